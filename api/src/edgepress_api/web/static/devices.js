/**
 * Lists devices: what each is, whether it is online, its temperature, and its queue.
 *
 * @import { Device, DeviceList } from "../types.js"
 */

import { getJson } from "./api.js";
import { at, el, facts, fill } from "./dom.js";
import { repeat, start } from "./page.js";
import { isSame } from "./schema.js";
import { counted, moment, size } from "./words.js";

const REFRESH_SECONDS = 5;

/** @type {DeviceList | null} */
let shown = null;

start(() => repeat(REFRESH_SECONDS, show));

async function show() {
  const found = await getJson("/v1/devices", {});
  if (isSame(found, shown)) return;
  shown = found;
  at("any").textContent = summary(found);
  fill(at("list"), found.devices.map(card));
}

/** @param {DeviceList} list */
function summary({ devices, waiting_for_any: waiting }) {
  if (devices.length === 0) return "No devices yet. Start an evaluator to add one.";
  return waiting ? `${counted(waiting, "evaluation")} can run on any device and wait for a free one.` : "";
}

/** @param {Device} device */
function card(device) {
  const { announcement: its, online } = device;
  const emulated = its.emulated ? ", emulated: its latency is not valid" : "";
  const problem = online ? its.problem : null;
  const [state, word] = !online
    ? ["cancelled", "offline"]
    : problem
      ? ["failed", "can't measure"]
      : ["succeeded", "online"];
  const badge = el("span", { class: `state small ${state}` }, word);
  return el(
    "article",
    { class: "card" },
    el("h2", {}, device.name, " ", badge),
    problem && el("p", { class: "note bad" }, problem),
    facts({
      Board: its.board ?? "unknown",
      Processor: `${its.cpu ?? its.machine}, ${counted(its.cores, "core")}${emulated}`,
      Memory: size(its.memory_bytes),
      Temperature: typeof its.temperature_c === "number" ? `${its.temperature_c.toFixed(0)} °C` : "unknown",
      Queue: `${device.running} running, ${device.waiting} waiting`,
      Runtime: its.runtime,
      Labels: its.labels.join(", ") || "none",
      "Last seen": moment(device.last_seen_at),
    }),
  );
}
