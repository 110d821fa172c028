/**
 * Creates a job from a template, a form that is made from the API's own schemas, or text; its plan can be shown first.
 *
 * @import { AcceptedJob, Estimate, Form, Plan, PlanPreview, SpecSchema } from "../types.js"
 */

import { viewOf } from "./address.js";
import { Problem, address, allIsWell, failed, getJson, post, request } from "./api.js";
import { specCopied } from "./copies.js";
import { offerCopies } from "./copy_menu.js";
import { at, el, fill, table } from "./dom.js";
import { drawGraph } from "./graph.js";
import { objectField } from "./groups.js";
import { start } from "./page.js";
import { SpecEditor, mediaType } from "./spec_editor.js";
import { dataOf, partsOf, textOf } from "./spec_text.js";
import { SpecView } from "./spec_view.js";
import { followSearch, specWidgets } from "./spec_widgets.js";
import { offerTemplates } from "./templates.js";
import { counted, duration } from "./words.js";

const FIRST_SPEC = { name: "", dataset: { kind: "builtin", image_size: 32 }, model: { architecture: "resnet18" } };
const ORDER = ["name", "dataset", "model", "search", "pipelines", "goals", "training", "evaluation"];
const OPEN = ["dataset", "model", "pipelines", "goals"]; // the other groups are collapsed

/** @type {SpecView} */
let view;

start(async () => {
  const [document_, choices, spec] = await Promise.all([specSchema(), specWidgets(), firstSpec()]);
  const form = specField({ document: document_, ...choices });
  view = new SpecView(form, new SpecEditor(at("editor"), document_, removeProblems), FIRST_SPEC);
  const hasTemplate = await offerTemplates(view, FIRST_SPEC);
  if (spec) view.set(spec);
  else if (!hasTemplate) view.set(FIRST_SPEC, textOf(FIRST_SPEC));
  followSearch(form.fields);
  fill(at("form"), form.element);
  offerCopies(() => [specCopied(view.text, mediaType(view.text), dataOf(view.text))]);
  at("check").addEventListener("click", () => whileBusy(check));
  at("spec").addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(submit);
  });
}, "Job");

/** @returns {Promise<SpecSchema>} */
async function specSchema() {
  return (await request("v1/spec-schema")).json();
}

/** Return the spec of the job in the address (`?like=`), if there is one. */
async function firstSpec() {
  const job = viewOf().get("like");
  if (job === null) return null;
  const spec = await getJson("/v1/jobs/{job_id}/spec", { job_id: job });
  return { ...spec, webhook: undefined, notify: undefined }; // their secrets are not known
}

/** @param {Form} form */
function specField(form) {
  const whole = objectField(form, form.document, "", { isBare: true, first: ORDER });
  for (const name of OPEN) {
    const { element } = whole.fields[name];
    if (element instanceof HTMLDetailsElement) element.open = true;
  }
  return whole;
}

/**
 * Send the text of the spec, which is what the form shows.
 *
 * @param {string} query
 */
async function send(query) {
  const { text } = view;
  return post(`v1/jobs${query}`, text, mediaType(text));
}

async function check() {
  showPlan(/** @type {PlanPreview} */ (await (await send("?validate_only=true")).json()));
}

async function submit() {
  const job = /** @type {AcceptedJob} */ (await (await send("")).json());
  at("sent").textContent = "Job created.";
  location.href = address(`jobs/${job.id}`);
}

/** @param {() => Promise<void>} run */
async function whileBusy(run) {
  const buttons = [at("check", HTMLButtonElement), at("submit", HTMLButtonElement)];
  for (const button of buttons) button.disabled = true;
  removeProblems();
  try {
    await run();
  } catch (error) {
    if (error instanceof Problem && error.status && error.status !== 401) showProblems(error);
    else failed(error);
  }
  for (const button of buttons) button.disabled = false;
}

function removeProblems() {
  allIsWell();
  view?.form.complain("");
  at("problems").hidden = true;
}

/**
 * Show each error at its field or line, and all of them above the form with links to the fields.
 *
 * @param {Problem} problem
 */
function showProblems(problem) {
  const box = at("problems");
  const title = el("strong", {}, problem.title);
  const entries = problem.errors.map(problemEntry);
  if (entries.length) fill(box, el("p", {}, title), el("ul", {}, entries));
  else fill(box, el("p", {}, title, `: ${problem.message}`));
  if (view.isText) view.editor.show(problem);
  box.hidden = false;
  at("plan").hidden = true;
  box.focus();
}

/**
 * List an error. Once its field changes, the error is no longer shown.
 *
 * @param {Problem["errors"][number]} error
 */
function problemEntry({ field: path, message, accepted }) {
  const words = accepted ? `${message}; accepted: ${accepted}` : message;
  const name = el("strong", {}, path);
  const found = view.isText ? view.form : view.form.find(partsOf(path));
  if (found === view.form) return el("li", {}, name, `: ${words}`);
  found.complain(words);
  const control = found.control ?? found.element.querySelector("input, select");
  const goThere = () => control instanceof HTMLElement && control.focus();
  const entry = el("li", {}, el("a", { href: `#${control?.id ?? "form"}`, onclick: goThere }, name), `: ${words}`);
  const remove = () => {
    found.complain("");
    entry.remove();
    if (!at("problems").querySelector("li")) at("problems").hidden = true;
  };
  found.element.addEventListener("input", remove, { once: true });
  return entry;
}

/** @param {PlanPreview} preview */
function showPlan({ plan, done, estimate, search }) {
  const finished = new Set(done);
  at("plan").hidden = false;
  at("plan-words").textContent = [search?.words, summary(plan, finished, estimate ?? null)].filter(Boolean).join(" ");
  const stateOf = (/** @type {string} */ key) => (finished.has(key) ? "succeeded" : "waiting");
  fill(at("plan-graph"), drawGraph(plan.steps, { stateOf }));
  const titles = Object.fromEntries(plan.steps.map((step) => [step.key, step.title]));
  /** @param {string} key */
  const timeOf = (key) => {
    if (finished.has(key)) return "already done";
    return estimate && key in estimate.by_step ? duration(estimate.by_step[key]) : "unknown";
  };
  const columns = [{ title: "Pipeline" }, { title: "Step" }, { title: "Estimated time", number: true }];
  const rows = plan.pipelines.flatMap(({ name, steps }) => steps.map((key) => [name, titles[key], timeOf(key)]));
  fill(
    at("plan-pipelines"),
    el("details", {}, el("summary", {}, "Show as a list"), table("Steps by pipeline", columns, rows)),
  );
  at("plan").focus();
  at("plan").scrollIntoView({ block: "nearest" });
}

/**
 * @param {Plan} plan
 * @param {Set<string>} finished
 * @param {Estimate | null} estimate
 */
function summary(plan, finished, estimate) {
  const left = plan.steps.length - finished.size;
  const done = finished.size ? `, ${finished.size} already done` : "";
  const growing = plan.complete ? "" : "; results will add more"; // a planner proposes pipelines from results
  const size = `${counted(plan.pipelines.length, "pipeline")}, ${counted(plan.steps.length, "step")}${done}${growing}.`;
  if (left === 0 && plan.complete) return `${size} Nothing is left to run, so the job finishes at once.`;
  if (!estimate || estimate.seconds === null) {
    return `${size} No estimate: no similar steps have run on this server yet.`;
  }
  const unknown = estimate.unknown ? `, without ${counted(estimate.unknown, "step")} that cannot be estimated` : "";
  return `${size} Estimated time: ${duration(estimate.seconds)} if the steps run one after another${unknown}. Waiting for free workers and devices is not included.`;
}
