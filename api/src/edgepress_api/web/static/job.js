/** A job: its steps as they go, its trainings epoch by epoch, and what to make of what it gave. */

import { address, allIsWell, failed, fetchesFile, follow, getJson, opensPage, pathParts, post } from "./api.js";
import { drawCurves } from "./curves.js";
import { afterPause, at, el, fill, table } from "./dom.js";
import { drawGraph } from "./graph.js";
import { start } from "./page.js";
import { showRecommendation } from "./recommendation.js";
import { UNDER_WAY, clock, counted, duration, moment, percent, size, spaced } from "./words.js";

const REFRESH_MS = 400; // events come in swarms
const GRID = { pack: "data set", stage: "stage", export: "export", evaluation: "evaluation" };

const id = pathParts()[1];
const epochs = new Map(); // by step: what is known of each epoch, by its number
const logs = new Map(); // by step: what happened to it in this job, as the gateway told
const names = new Map(); // by stage's step: the pipelines that need it
let plan = null;
let job = null;
let steps = {};
let running = [];
let chosen = null;
let evaluated = -1;

start(async () => {
  [plan, job] = await Promise.all([getJson(`v1/jobs/${id}/plan`), getJson(`v1/jobs/${id}`)]);
  for (const pipeline of plan.pipelines) {
    for (const key of pipeline.steps) names.set(key, [...(names.get(key) ?? []), pipeline.name]);
  }
  await show();
  await rememberEpochs();
  const refreshSoon = afterPause(REFRESH_MS, () => refresh().catch(failed));
  let isBroken = false;
  const drawCurvesSoon = afterPause(REFRESH_MS, showCurves);
  await follow(`v1/jobs/${id}/events`, (type, event) => {
    if (type === "step" || type === "epoch") log(event);
    if (type === "progress") {
      running = event.running;
      showProgress(event.progress);
    } else if (type === "epoch") {
      note(event.data.step, event.data.epoch, event.data.metrics);
      drawCurvesSoon();
    } else refreshSoon();
    if (isBroken) allIsWell();
    isBroken = false;
  }, (error) => {
    isBroken = true;
    failed(error);
  });
  await refresh();
});

async function refresh() {
  job = await getJson(`v1/jobs/${id}`);
  if (!UNDER_WAY.has(job.state)) running = [];
  await show();
  await rememberEpochs();
}

async function show() {
  steps = Object.fromEntries(job.pipelines.flatMap((pipeline) => pipeline.steps).map((step) => [step.key, step]));
  document.title = `${job.name} (${spaced(job.state)}) - Edgepress`;
  at("name").textContent = job.name;
  at("about").textContent = `${job.id}, posted ${moment(job.created_at)}${job.finished_at ? `, ended ${moment(job.finished_at)}` : ""}`;
  at("state").textContent = spaced(job.state);
  at("state").className = `state ${job.state}`;
  at("error").hidden = !job.error;
  at("error").textContent = job.error ?? "";
  showProgress(job.progress);
  showActions();
  showDownloads();
  showSteps();
  if (chosen) await showStep(chosen);
  const done = Object.values(steps).filter((step) => step.kind === "evaluation" && step.state === "succeeded").length;
  if (done && done !== evaluated) {
    evaluated = done;
    at("recommendation").hidden = false;
    await showRecommendation(id);
  }
}

function showProgress(share) {
  at("progress").value = share;
  at("progress").textContent = percent(share, 0);
  const doing = running.map(({ key, title, progress }) => {
    const left = progress?.seconds_left ? `, ${duration(progress.seconds_left)} left` : "";
    const where = progress?.epochs ? `, epoch ${progress.epoch ?? 0} of ${progress.epochs}` : progress ? `, ${percent(progress.fraction, 0)}` : "";
    return `${title}${stageOf(key)}${where}${left}`;
  });
  at("doing").textContent = UNDER_WAY.has(job.state) ? `${percent(share, 0)} done. ${doing.join("; ")}` : "";
}

function stageOf(key) {
  const of = names.get(key) ?? [];
  return of.length === 1 ? ` of ${of[0]}` : "";
}

function showActions() {
  const act = (label, path, className, next) =>
    el("button", { type: "button", id: `do-${label.split(" ")[0].toLowerCase()}`, class: className, onclick: ({ target }) => {
      target.disabled = true;
      post(path).then(next).catch((error) => { target.disabled = false; failed(error); });
    } }, label);
  fill(
    at("actions"),
    el("a", { class: "button plain", href: address(`new?like=${id}`) }, "New job like this"),
    UNDER_WAY.has(job.state) && act("Cancel", `v1/jobs/${id}/cancel`, "plain", refresh),
    ["failed", "cancelled", "partly_succeeded"].includes(job.state) && act("Retry", `v1/jobs/${id}/retry`, "", () => location.reload()), // there is something to follow again
  );
}

function showDownloads() {
  const isSomething = Object.values(steps).some((step) => step.kind === "evaluation" && step.state === "succeeded");
  at("downloads").hidden = !isSomething;
  if (!isSomething) return;
  const file = (format) => el("a", { href: address(`v1/jobs/${id}/report?format=${format}`), download: `${id}.${format}`, onclick: fetchesFile }, format.toUpperCase());
  fill(
    at("downloads"),
    el("a", { href: address(`v1/jobs/${id}/report?format=html`), target: "_blank", rel: "noopener", id: "open-report", onclick: opensPage }, "Open the report"),
    el("span", {}, "or download it as ", file("html"), ", ", file("csv"), ", ", file("json")),
  );
}

function showSteps() {
  const stateOf = (key) => `${steps[key]?.state ?? "waiting"}${key === chosen ? " chosen" : ""}`;
  fill(at("graph"), drawGraph(plan.steps, { stateOf, choose: (key) => showStep(key, true).catch(failed) }));
  const columns = [{ title: "Step" }, { title: "Kind" }, { title: "State" }, { title: "Pipelines" }];
  const rows = plan.steps.map(({ key, title }) => {
    const step = steps[key];
    const open = el("button", { type: "button", class: "link", id: `open-${key}`, onclick: () => showStep(key, true).catch(failed) }, title);
    return [open, GRID[step.kind], el("span", { class: `state ${step.state}` }, spaced(step.state)), names.get(key).length > 3 ? `${names.get(key).length} pipelines` : names.get(key).join(", ")];
  });
  fill(at("step-list"), table("All steps", columns, rows));
}

/** A step in full: how it went, why not, and what it gave. */
async function showStep(key, isNew = false) {
  const step = await getJson(`v1/steps/${key}`);
  chosen = key;
  for (const node of document.querySelectorAll(".node")) node.classList.toggle("chosen", node.dataset.step === key);
  const facts = {
    State: spaced(step.state),
    Attempt: step.attempt || "none yet",
    "Done by": step.holder,
    "Waits for": step.state === "ready" && step.device,
    Began: step.started_at && moment(step.started_at),
    Took: step.started_at && step.finished_at && duration((new Date(step.finished_at) - new Date(step.started_at)) / 1000),
    Doing: step.state === "running" && step.progress && `${step.progress.message} ${percent(step.progress.fraction, 0)}`,
    Pipelines: names.get(key).join(", "),
  };
  const outputs = Object.entries(step.outputs ?? {}).map(([name, { sha256, size_bytes: bytes }]) =>
    el("li", {}, el("a", { href: address(`v1/artifacts/${sha256}`), download: fileName(step, name), onclick: fetchesFile }, name), ` ${size(bytes)}`),
  );
  const place = at("step");
  place.hidden = false;
  fill(
    place,
    el("h3", { id: "step-title" }, `${step.title} `, el("span", { class: "soft" }, GRID[step.kind])),
    el("dl", {}, Object.entries(facts).filter(([, value]) => value).map(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))])),
    step.failure && el("p", { class: "note bad" }, `${step.failure.message} (${step.failure.code})`),
    step.failure?.log && el("details", { open: true }, el("summary", {}, "The end of its log"), el("pre", { tabindex: 0 }, step.failure.log)),
    outputs.length > 0 && el("p", {}, "What it gave:"),
    outputs.length > 0 && el("ul", {}, outputs),
    el("details", { open: true }, el("summary", {}, "What happened"), el("pre", { id: "step-log", tabindex: 0 })),
    el("details", {}, el("summary", {}, "What it was asked"), el("pre", { tabindex: 0 }, JSON.stringify(plan.steps.find((each) => each.key === key).parameters, null, 1))),
  );
  showLog();
  if (isNew) place.focus();
}

/** Keeps what was told of a step; whoever looks at it sees it at once. */
function log({ type, at: when, data }) {
  const { state, attempt, epoch, epochs: planned, metrics } = data;
  const figures = Object.entries(metrics ?? {}).filter(([, value]) => Number.isFinite(value)).map(([name, value]) => `${spaced(name)} ${value.toPrecision(4)}`);
  const words = type === "epoch" ? `epoch ${epoch} of ${planned}: ${figures.join(", ")}` : `${state}${attempt > 1 ? `, attempt ${attempt}` : ""}`;
  const lines = logs.get(data.step) ?? [];
  if (lines.at(-1)?.endsWith(`  ${words}`)) return; // ready, and ready still
  logs.set(data.step, [...lines, `${clock(when)}  ${words}`]);
  if (data.step === chosen) showLog();
}

function showLog() {
  const place = at("step-log");
  if (place) place.textContent = logs.get(chosen)?.join("\n") ?? "Nothing in this job: it was done before, or waits.";
}

function fileName(step, name) {
  const ends = { tflite: ".tflite", model: ".h5" };
  return `${names.get(step.key)[0]} ${step.title}${ends[name] ?? `-${name}.npy`}`.replaceAll(" ", "-");
}

/** Trainings that were done before, or while nobody looked, tell their epochs when they are asked. */
async function rememberEpochs() {
  const stages = plan.steps.filter((step) => step.parameters.kind === "stage");
  for (const { key, parameters } of stages) {
    const known = epochs.get(key)?.size ?? 0;
    if (steps[key]?.state !== "succeeded" || known >= parameters.training.epochs || epochs.get(key)?.isWhole) continue;
    const { result } = await getJson(`v1/steps/${key}`);
    for (const epoch of result.epochs) note(key, epoch.epoch, epoch);
    if (epochs.has(key)) epochs.get(key).isWhole = true; // it may have stopped early
  }
  showCurves();
}

function note(key, epoch, metrics) {
  if (!epochs.has(key)) epochs.set(key, new Map());
  epochs.get(key).set(epoch, metrics);
}

function showCurves() {
  const drawn = plan.steps.filter((step) => step.parameters.kind === "stage" && epochs.get(step.key)?.size);
  at("trainings").hidden = drawn.length === 0;
  fill(
    at("curves"),
    drawn.map(({ key, title, parameters }) => {
      const known = [...epochs.get(key)].sort(([one], [other]) => one - other).map(([, metrics]) => metrics);
      const last = known.at(-1);
      return el(
        "article",
        { class: "training-of", "data-epochs": known.length },
        el("h3", {}, `${title} `, el("span", { class: "soft" }, `${parameters.model.architecture}; ${names.get(key).length > 3 ? counted(names.get(key).length, "pipeline") : names.get(key).join(", ")}`)),
        el("p", { class: "small" }, `Epoch ${known.length} of ${parameters.training.epochs}: ${percent(last.val_accuracy ?? 0)} in validation.`),
        parameters.training.epochs > 1 && drawCurves(known, parameters.training.epochs), // of one epoch there is no curve
      );
    }),
  );
}
