/** Devices: what each is, whether it is there, how warm it is, and what waits for it. */

import { getJson } from "./api.js";
import { at, el, fill } from "./dom.js";
import { repeat, start } from "./page.js";
import { isSame } from "./schema.js";
import { counted, moment, size } from "./words.js";

const REFRESH_SECONDS = 5;

let shown = null;

start(() => repeat(REFRESH_SECONDS, show));

async function show() {
  const found = await getJson("v1/devices");
  if (isSame(found, shown)) return;
  shown = found;
  const { devices, waiting_for_any: waiting } = found;
  at("any").textContent = devices.length
    ? waiting
      ? `${counted(waiting, "evaluation")} more waiting for whichever device is free first.`
      : ""
    : "None has announced itself yet: start an evaluator.";
  fill(at("list"), devices.map(card));
}

function card(device) {
  const { announcement: its } = device;
  const facts = {
    Board: its.board ?? "not told",
    Processor: `${its.cpu ?? its.machine}, ${counted(its.cores, "core")}${its.emulated ? ", emulated: its times mean nothing" : ""}`,
    Memory: size(its.memory_bytes),
    Temperature: its.temperature_c === null || its.temperature_c === undefined ? "not told" : `${its.temperature_c.toFixed(0)} °C`,
    Queue: `${device.running} running, ${device.waiting} waiting`,
    Runtime: its.runtime,
    Labels: its.labels.join(", ") || "none",
    "Last heard of": moment(device.last_seen_at),
  };
  return el(
    "article",
    { class: "card" },
    el("h2", {}, device.name, " ", el("span", { class: `state small ${device.online ? "succeeded" : "cancelled"}` }, device.online ? "online" : "away")),
    el("dl", {}, Object.entries(facts).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
  );
}
