/** Posts a job: by a form made from the API's own schemas, or as text; its plan can be seen first. */

import { Problem, address, allIsWell, failed, getJson, post } from "./api.js";
import { at, el, fill, table } from "./dom.js";
import { drawGraph } from "./graph.js";
import { objectField } from "./groups.js";
import { start } from "./page.js";
import { specWidgets } from "./spec_widgets.js";
import { counted, duration } from "./words.js";
import { toYaml } from "./yaml.js";

const FIRST_SPEC = { name: "", dataset: { kind: "builtin", image_size: 32 }, model: { architecture: "resnet18" } };
const NEEDED = ["name", "dataset", "model", "pipelines"]; // what is seen at once; the rest is folded up

let field = null;
let isText = false;

start(async () => {
  const [document_, ways, spec] = await Promise.all([getJson("openapi.json"), specWidgets(), firstSpec()]);
  field = specField({ document: document_, ...ways });
  field.set(spec);
  fill(at("form"), field.element);
  at("as-form").addEventListener("click", () => show(false));
  at("as-text").addEventListener("click", () => show(true));
  at("check").addEventListener("click", () => whileBusy(check));
  at("spec").addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(submit);
  });
});

/** A job that is to be like another begins with the other's spec. */
async function firstSpec() {
  const job = new URLSearchParams(location.search).get("like");
  if (job === null) return FIRST_SPEC;
  const { webhook, ...spec } = await getJson(`v1/jobs/${encodeURIComponent(job)}/spec`);
  return spec;
}

function specField(form) {
  const schema = form.document.components.schemas.JobSpec;
  const whole = objectField(form, "", schema, "", { isBare: true });
  for (const name of NEEDED) {
    const { element } = whole.fields[name];
    if (element.tagName === "DETAILS") element.open = true;
  }
  return whole;
}

function show(text) {
  if (text && !isText) at("spec-text").value = toYaml(field.value());
  isText = text;
  at("form").hidden = text;
  at("text").hidden = !text;
  at("as-form").setAttribute("aria-pressed", String(!text));
  at("as-text").setAttribute("aria-pressed", String(text));
  takeBackProblems();
}

/** Sends the spec, as JSON from the form or as whatever was written. */
async function send(query) {
  if (!isText) return post(`v1/jobs${query}`, JSON.stringify(field.value()));
  const text = at("spec-text").value;
  return post(`v1/jobs${query}`, text, text.trimStart().startsWith("{") ? "application/json" : "application/yaml");
}

async function check() {
  const preview = await (await send("?validate_only=true")).json();
  showPlan(preview);
}

async function submit() {
  const job = await (await send("")).json();
  at("sent").textContent = "Posted.";
  location.href = address(`jobs/${job.id}`);
}

async function whileBusy(run) {
  const buttons = [at("check"), at("submit")];
  for (const button of buttons) button.disabled = true;
  takeBackProblems();
  try {
    await run();
  } catch (error) {
    if (error instanceof Problem && error.status && error.status !== 401) showProblems(error);
    else failed(error);
  }
  for (const button of buttons) button.disabled = false;
}

function takeBackProblems() {
  allIsWell();
  field.complain("");
  at("problems").hidden = true;
}

/** Each at its field, and all of them above, as links to their fields. */
function showProblems(problem) {
  const entries = problem.errors.map(({ field: path, message, accepted }) => {
    const words = accepted ? `${message}; accepted: ${accepted}` : message;
    const found = isText ? null : field.find(partsOf(path));
    if (found && found !== field) found.complain(words);
    const target = found?.control ?? found?.element?.querySelector?.("input, select");
    const name = el("strong", {}, path);
    return el("li", {}, target ? el("a", { href: `#${target.id}`, onclick: () => target.focus() }, name) : name, `: ${words}`);
  });
  const box = at("problems");
  fill(box, el("p", {}, el("strong", {}, problem.title), entries.length ? "" : `: ${problem.message}`), entries.length ? el("ul", {}, entries) : "");
  box.hidden = false;
  at("plan").hidden = true;
  box.focus();
}

/** `pipelines[0].stages[1].kind` as the names and numbers that lead there. */
function partsOf(path) {
  return path.split(/[.[\]]+/).filter(Boolean).map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

function showPlan({ plan, done, estimate }) {
  const isDone = new Set(done);
  at("plan").hidden = false;
  at("plan-words").textContent = words(plan, isDone, estimate);
  const stateOf = (key) => (isDone.has(key) ? "succeeded" : "waiting");
  fill(at("plan-graph"), drawGraph(plan.steps, { stateOf }));
  const steps = Object.fromEntries(plan.steps.map((step) => [step.key, step]));
  const timeOf = (key) => (isDone.has(key) ? "done" : key in estimate.by_step ? duration(estimate.by_step[key]) : "not known");
  fill(
    at("plan-pipelines"),
    el(
      "details",
      {},
      el("summary", {}, "The same as a list"),
      table("Steps by pipeline", [{ title: "Pipeline" }, { title: "Step" }, { title: "May take", number: true }], plan.pipelines.flatMap((pipeline) => pipeline.steps.map((key) => [pipeline.name, steps[key].title, timeOf(key)]))),
    ),
  );
  at("plan").focus();
  at("plan").scrollIntoView({ block: "nearest" });
}

function words(plan, isDone, estimate) {
  const toDo = plan.steps.length - isDone.size;
  const said = [`${counted(plan.pipelines.length, "pipeline")}, ${counted(plan.steps.length, "step")}`];
  if (isDone.size) said.push(`${isDone.size} of them done before`);
  if (toDo === 0) return `${said.join(", ")}: nothing is left to do, so the job is done at once.`;
  if (estimate.seconds === null) return `${said.join(", ")}. How long they may take is not known: the like was not done here yet.`;
  const rest = estimate.unknown ? `, and ${counted(estimate.unknown, "step")} of which nothing is known` : "";
  return `${said.join(", ")}. By what the like took here, what is left may take ${duration(estimate.seconds)}, one after another${rest}; waiting for a free worker or device not counted.`;
}
