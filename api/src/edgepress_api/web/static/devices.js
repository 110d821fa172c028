/**
 * Lists devices: what each is, whether it is online, its temperature, its queue, and its latency model.
 *
 * @import { Device, DeviceList, LatencyModel } from "../types.js"
 */

import { keepView, viewOf, whenReturned } from "./address.js";
import { failed, getJson } from "./api.js";
import { devicesCopied, latencyModelCopied } from "./copies.js";
import { offerCopies } from "./copy_menu.js";
import { at, el, facts, fill, table } from "./dom.js";
import { repeat, start } from "./page.js";
import { isSame } from "./schema.js";
import { counted, moment, size } from "./words.js";

const REFRESH_SECONDS = 5;

/** @type {DeviceList | null} */
let shown = null;

/**
 * The latency models that are open, by device.
 *
 * @type {Map<string, LatencyModel>}
 */
const models = new Map();

start(async () => {
  offerCopies(() => [devicesCopied(), ...[...models.keys()].map(latencyModelCopied)]);
  whenReturned(() => restoreModels().catch(failed));
  await repeat(REFRESH_SECONDS, show);
  await restoreModels();
});

/** Open the latency models that the page's address names. */
async function restoreModels() {
  const names = viewOf().getAll("model");
  const known = (shown?.devices ?? []).filter(({ name }) => names.includes(name));
  models.clear();
  for (const { name } of known) models.set(name, await getJson("/v1/devices/{name}/latency-model", { name }));
  if (shown) draw(shown);
}

async function show() {
  const found = await getJson("/v1/devices", {});
  if (isSame(found, shown)) return;
  shown = found;
  draw(found);
}

/** @param {DeviceList} found */
function draw(found) {
  at("any").textContent = summary(found);
  fill(at("list"), found.devices.map(card));
}

/** @param {DeviceList} list */
function summary({ devices, waiting_for_any: waiting }) {
  if (devices.length === 0) return "No devices yet. Run “edgepress-evaluator join” on a board to add it.";
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
    latencyModel(device.name),
  );
}

/** @param {string} name */
function latencyModel(name) {
  const model = models.get(name);
  const content = el(
    "details",
    { open: model !== undefined },
    el("summary", {}, "Latency model"),
    model && fits(model),
  );
  content.addEventListener("toggle", () => toggle(name, content.open).catch(failed));
  return content;
}

/**
 * @param {string} name
 * @param {boolean} isOpen
 */
async function toggle(name, isOpen) {
  if (isOpen === models.has(name)) return;
  if (isOpen) models.set(name, await getJson("/v1/devices/{name}/latency-model", { name }));
  else models.delete(name);
  keepView(
    (each) => each === "model",
    [...models.keys()].map((each) => ["model", each]),
  );
  if (shown) draw(shown);
}

/** @param {LatencyModel} model */
function fits(model) {
  if (model.fits.length === 0) {
    return el("p", {}, "Nothing to fit a model on: a search with a latency limit measures probes.");
  }
  const columns = [
    { title: "Export" },
    { title: "Threads", number: true },
    { title: "Networks", number: true },
    { title: "Only probes", number: true },
    { title: "Median error", number: true },
    { title: "Interval", number: true },
  ];
  const share = (/** @type {number | null} */ value) => (value === null ? "unknown" : `${(100 * value).toFixed(1)} %`);
  const rows = model.fits.map((fit) => [
    fit.export,
    fit.threads,
    fit.networks.length,
    fit.probes,
    share(fit.median_error),
    fit.interval === null ? "unknown" : `± ${share(fit.interval)}`,
  ]);
  return [
    el(
      "p",
      { class: "soft" },
      "Predicts the latency of networks that do not exist yet. The error is that of networks that a fit did not see.",
    ),
    table(`Latency model of ${model.device}`, columns, rows),
  ];
}
