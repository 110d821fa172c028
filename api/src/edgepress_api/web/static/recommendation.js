/** Which file to ship, by goals and weights that can be changed: the gateway ranks anew at once, without a new job. */

import { address, failed, fetchesFile, getJson } from "./api.js";
import { afterPause, at, el, fill, table } from "./dom.js";
import { newId } from "./fields.js";
import { CRITERIA, METHODS, PURPOSES, milliseconds, percent, size } from "./words.js";

const PAUSE_MS = 150;
const MEGABYTE = 1e6;
const MOST_WEIGHT = 10;
// How the limits are written, and how many of the API's units one is.
const LIMITS = {
  max_accuracy_drop: { words: "accuracy lost, points", unit: 0.01 },
  max_latency_ms: { words: "time of an image, ms", unit: 1 },
  max_size_bytes: { words: "size, MB", unit: MEGABYTE },
  max_zip_bytes: { words: "zipped size, MB", unit: MEGABYTE },
};

let goals = null; // the fields, once there is something to rank
let asked = 0;

/** Shows the recommendation of a job, by its own goals or by those that its page's user has set. */
export async function showRecommendation(job) {
  const number = ++asked;
  const found = await getJson(`v1/jobs/${job}/recommendation${goals ? `?${query()}` : ""}`);
  if (number !== asked) return; // another question was asked meanwhile
  if (!goals) makeGoals(job, found);
  at("first").textContent = found.devices.map(firstOf).join(" ");
  fill(at("choices"), found.devices.map((device) => shown(job, device, found)));
}

function makeGoals(job, { goals: own, weights }) {
  const again = afterPause(PAUSE_MS, () => showRecommendation(job).catch(failed));
  const set = () => {
    const most = Math.max(...Object.values(weights).map((weight) => weight ?? 0));
    const given = own.preferences.length ? (name) => ((weights[name] ?? 0) / most) * 5 : (name) => own.weights[name];
    for (const [name, field] of Object.entries(goals.weights)) field.value = Math.min(given(name), MOST_WEIGHT);
    for (const [name, field] of Object.entries(goals.limits)) field.value = own[name] === null ? "" : String(Number((own[name] / LIMITS[name].unit).toPrecision(9)));
    goals.method.value = own.method;
    goals.isOwn = true;
    say();
  };
  const say = () => {
    for (const field of Object.values(goals.weights)) field.nextSibling.textContent = field.value;
  };
  const change = () => {
    goals.isOwn = false;
    say();
    again();
  };
  const slider = () => el("input", { type: "range", id: newId(), min: 0, max: MOST_WEIGHT, step: 0.5, oninput: change });
  const limit = () => el("input", { type: "text", inputmode: "decimal", id: newId(), size: 6, placeholder: "none", oninput: change });
  goals = {
    weights: Object.fromEntries(Object.keys(CRITERIA).map((name) => [name, slider()])),
    limits: Object.fromEntries(Object.keys(LIMITS).map((name) => [name, limit()])),
    method: el("select", { id: newId(), onchange: change }, Object.entries(METHODS).map(([name, words]) => el("option", { value: name }, words))),
    isOwn: true,
  };
  const reset = () => {
    set();
    again();
  };
  fill(
    at("goals"),
    el("fieldset", {}, el("legend", {}, "What counts"), Object.entries(goals.weights).map(([name, field]) =>
      el("div", { class: "weight" }, el("label", { for: field.id }, CRITERIA[name]), field, el("output", { for: field.id })))),
    el("fieldset", {}, el("legend", {}, "At most"), Object.entries(goals.limits).map(([name, field]) =>
      el("div", { class: "limit" }, el("label", { for: field.id }, LIMITS[name].words), field))),
    el("div", { class: "row" }, el("label", { for: goals.method.id }, "Ranked by"), goals.method, el("button", { type: "button", class: "plain small", onclick: reset }, "As the job has it")),
  );
  at("goals").addEventListener("submit", (event) => event.preventDefault());
  set();
}

function query() {
  if (goals.isOwn) return new URLSearchParams();
  const said = new URLSearchParams({ method: goals.method.value, spec_goals: "false" });
  for (const [name, field] of Object.entries(goals.weights)) said.set(`weight_${name}`, field.value);
  for (const [name, field] of Object.entries(goals.limits)) {
    const text = field.value.trim();
    if (text === "") continue;
    const amount = Number(text) * LIMITS[name].unit;
    // What is no number goes as it is: the gateway says what is accepted.
    said.set(name, Number.isNaN(amount) ? text : name.endsWith("bytes") ? Math.round(amount) : amount);
  }
  return said;
}

function nameOf(choice) {
  return `${choice.pipeline} ${choice.export}`;
}

function firstOf({ device, candidates }) {
  const first = candidates.find((each) => each.standing?.place === 1);
  return first ? `First on ${device}: ${nameOf(first)}.` : `On ${device} nothing keeps the limits.`;
}

function shown(job, device, { goals: inForce }) {
  const modelOf = (choice) => address(`jobs/${job}/models/${choice.model_sha256}`);
  const bundleOf = (choice) => address(`v1/jobs/${job}/models/${choice.model_sha256}/bundle`);
  const cards = device.purposes.map(({ purpose, choice, words }) =>
    el("article", { class: "card" }, el("h4", {}, PURPOSES[purpose]), el("p", { class: "pick" }, el("a", { href: modelOf(choice) }, nameOf(choice))), el("p", { class: "small" }, words),
      el("p", {}, el("a", { class: "button small", href: bundleOf(choice), download: "", "aria-label": `Download the bundle of ${nameOf(choice)}`, onclick: fetchesFile }, "Download the bundle"))),
  );
  const columns = ["", "File", "Accuracy", "Time, ms", "Size", "Zipped", METHODS[inForce.method]].map((title, index) => ({ title: title || "Place", number: index !== 1 }));
  const rows = device.candidates.map((each) => [
    each.standing?.place ?? "-",
    [el("a", { href: modelOf(each) }, nameOf(each)), each.standing?.on_front ? "*" : "", each.misses.length > 0 && el("span", { class: "small soft" }, ` ${each.misses.join(", ")}`)],
    `${percent(each.accuracy)}${each.difference.within_noise ? "~" : ""}`,
    milliseconds(each.latency_ms),
    size(each.size_bytes),
    size(each.zip_bytes),
    each.standing?.totals[inForce.method].toFixed(3) ?? "-",
  ]);
  return el(
    "section",
    { "aria-label": `For ${device.device}`, class: "for-device", "data-device": device.device },
    el("h3", {}, `For ${device.device}`),
    device.emulated && el("p", { class: "note" }, "Emulated: its times mean nothing, and count for nothing here."),
    el("div", { class: "cards" }, cards),
    device.stability && el("p", { class: "small" }, device.stability.words),
    device.cautions.length > 0 && el("details", {}, el("summary", {}, "Be careful"), el("ul", { class: "cautions" }, device.cautions.map((caution) => el("li", {}, caution)))),
    table(`Ranking for ${device.device}`, columns, rows, { className: "wide ranking" }),
    el("p", { class: "small soft" }, "“*”: nothing else is at least as good in everything. “~”: its accuracy can’t be told from the best’s by these images."),
  );
}
