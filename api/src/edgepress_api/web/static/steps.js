/**
 * Shows the steps of a job: as a graph, as a list, and one of them in full.
 *
 * @import { JobEvent, Plan, PlannedStep, Step, StepDetail } from "../types.js"
 */

import { address, failed, fetchesFile, getJson } from "./api.js";
import { at, el, facts, fill, table } from "./dom.js";
import { drawGraph } from "./graph.js";
import { between, clock, counted, moment, percent, size, spaced } from "./words.js";

const KINDS = { pack: "data set", stage: "stage", export: "export", evaluation: "evaluation" };
/** @type {Record<string, string>} */
const FILE_ENDINGS = { tflite: ".tflite", model: ".h5" };
const MOST_NAMES = 3;

/** @type {Map<string, string[]>} */
const logs = new Map(); // by step: what happened to it in this job

export class Steps {
  /** @type {Plan} */
  #plan;
  /** @type {Map<string, string[]>} */
  #pipelines = new Map(); // by step: the names of the pipelines that need it
  /** @type {Record<string, Step>} */
  #steps = {};
  /** @type {string | null} */
  #chosen = null;

  /** @param {Plan} plan */
  constructor(plan) {
    this.#plan = plan;
    this.plan = plan;
  }

  /** The plan of the job. It may grow while the job runs. */
  get plan() {
    return this.#plan;
  }

  set plan(plan) {
    this.#plan = plan;
    this.#pipelines.clear();
    for (const { name, steps } of plan.pipelines) {
      for (const key of steps) this.#pipelines.set(key, [...(this.#pipelines.get(key) ?? []), name]);
    }
  }

  /**
   * The names of the pipelines that need a step, or how many they are.
   *
   * @param {string} key
   */
  pipelinesOf(key) {
    const names = this.#pipelines.get(key) ?? [];
    return names.length > MOST_NAMES ? counted(names.length, "pipeline") : names.join(", ");
  }

  /** @param {Record<string, Step>} steps The steps of the job by key. */
  async show(steps) {
    this.#steps = steps;
    /** @param {string} key */
    const choose = (key) => this.#choose(key);
    /** @param {string} key */
    const stateOf = (key) => `${steps[key]?.state ?? "waiting"}${key === this.#chosen ? " chosen" : ""}`;
    fill(at("graph"), drawGraph(this.plan.steps, { stateOf, choose }));
    const columns = ["Step", "Kind", "State", "Pipelines"].map((title) => ({ title }));
    const rows = this.plan.steps.map((planned) => this.#row(planned));
    fill(at("step-list"), table("All steps", columns, rows));
    if (this.#chosen) await this.#showDetail(this.#chosen);
  }

  /**
   * Keep what happened to a step, and show it if the step is selected.
   *
   * @param {JobEvent} event
   */
  log({ type, at: when, data }) {
    const { step, state = "", attempt = 1, epoch, epochs, metrics = {} } = data;
    const figures = Object.entries(metrics).filter(([, value]) => Number.isFinite(value));
    const written = figures.map(([name, value]) => `${spaced(name)} ${value.toPrecision(4)}`).join(", ");
    const change = `${state}${attempt > 1 ? `, attempt ${attempt}` : ""}`;
    const words = type === "epoch" ? `epoch ${epoch} of ${epochs}: ${written}` : change;
    const lines = logs.get(step) ?? [];
    if (lines.at(-1)?.endsWith(`  ${words}`)) return; // the same state again
    logs.set(step, [...lines, `${clock(when)}  ${words}`]);
    if (step === this.#chosen) this.#showLog();
  }

  /** @param {PlannedStep} planned */
  #row({ key, title, parameters }) {
    const open = { type: "button", class: "link", id: `open-${key}`, onclick: () => this.#choose(key) };
    const state = this.#steps[key]?.state ?? "waiting";
    const badge = el("span", { class: `state ${state}` }, spaced(state));
    return [el("button", open, title), KINDS[parameters.kind], badge, this.pipelinesOf(key)];
  }

  /** @param {string} key */
  #choose(key) {
    this.#showDetail(key)
      .then(() => at("step").focus())
      .catch(failed);
  }

  /** @param {string} key */
  async #showDetail(key) {
    const step = await getJson("/v1/steps/{key}", { key });
    this.#chosen = key;
    for (const node of document.querySelectorAll(".node")) {
      node.classList.toggle("chosen", node instanceof SVGElement && node.dataset.step === key);
    }
    const outputs = Object.entries(step.outputs ?? {}).map(([name, file]) => this.#output(step, name, file));
    const parameters = this.plan.steps.find((each) => each.key === key)?.parameters;
    const { failure } = step;
    const pipelines = this.plan.pipelines.filter((each) => each.steps.includes(key)).map((each) => each.name);
    const place = at("step");
    place.hidden = false;
    fill(
      place,
      el("h3", { id: "step-title" }, `${step.title} `, el("span", { class: "soft" }, KINDS[step.kind])),
      this.#facts(step),
      failure && el("p", { class: "note bad" }, `${pipelines.join(", ")}: ${failure.message} (${failure.code})`),
      failure?.log && section("End of the log", el("pre", { tabindex: 0 }, failure.log), true),
      outputs.length > 0 && [el("p", {}, "Results:"), el("ul", {}, outputs)],
      section("History", el("pre", { id: "step-log", tabindex: 0 }), true),
      section("Parameters", el("pre", { tabindex: 0 }, JSON.stringify(parameters, null, 1)), false),
    );
    this.#showLog();
  }

  /** @param {StepDetail} step */
  #facts(step) {
    const { progress } = step;
    const isRunning = step.state === "running" && progress;
    return facts({
      State: spaced(step.state),
      Attempt: step.attempt || "none yet",
      "Worker or device": step.holder,
      "Waiting for device": step.state === "ready" && step.device,
      Started: step.started_at && moment(step.started_at),
      Duration: step.started_at && step.finished_at && between(step.started_at, step.finished_at),
      Progress: isRunning && `${progress.message} ${percent(progress.fraction, 0)}`,
      Pipelines: (this.#pipelines.get(step.key) ?? []).join(", "),
    });
  }

  /**
   * @param {StepDetail} step
   * @param {string} name
   * @param {{sha256: string, size_bytes: number}} file
   */
  #output({ key, title }, name, { sha256, size_bytes: bytes }) {
    const pipeline = this.#pipelines.get(key)?.[0] ?? "";
    const download = `${pipeline} ${title}${FILE_ENDINGS[name] ?? `-${name}.npy`}`.trim().replaceAll(" ", "-");
    const link = el("a", { href: address(`v1/artifacts/${sha256}`), download, onclick: fetchesFile }, name);
    return el("li", {}, link, ` ${size(bytes)}`);
  }

  #showLog() {
    const place = document.getElementById("step-log");
    const lines = logs.get(this.#chosen ?? "");
    if (place) {
      place.textContent = lines?.join("\n") ?? "No events in this job: the step waits, or an earlier job ran it.";
    }
  }
}

/**
 * @param {string} title
 * @param {HTMLElement} content
 * @param {boolean} isOpen
 */
function section(title, content, isOpen) {
  return el("details", { open: isOpen }, el("summary", {}, title), content);
}
