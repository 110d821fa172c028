/**
 * Shows a job: its steps as they run, its trainings epoch by epoch, and the recommendation from its results.
 *
 * @import { Job, RunningStep } from "../types.js"
 */

import { viewOf } from "./address.js";
import { address, allIsWell, failed, fetchesFile, follow, getJson, opensPage, pathParts, post } from "./api.js";
import { jobCopied, recommendationCopied, reportCopied } from "./copies.js";
import { offerCopies } from "./copy_menu.js";
import { showDataset } from "./dataset.js";
import { showDeliveries } from "./deliveries.js";
import { afterPause, at, el, fill } from "./dom.js";
import { showLabels } from "./job_labels.js";
import { loaded, start } from "./page.js";
import { showRecommendation } from "./recommendation.js";
import { Steps } from "./steps.js";
import { fetchEpochs, keepEpoch, showCurves } from "./trainings.js";
import { ACTIVE, duration, moment, percent, spaced } from "./words.js";

const REFRESH_MS = 400; // events come in bursts
const HIDDEN_REFRESH_MS = 15_000; // a hidden tab gets no events, but its title shows the state of the job

const id = pathParts()[1];
/** @type {Steps} */
let steps;
/** @type {Job} */
let job;
/** @type {RunningStep[]} */
let running = [];
let evaluated = 0;
let isPlanStale = false;
let hasSearch = false;
let stateOfDeliveries = ""; // the state of the job when they were fetched: its changes are their occasions

start(async () => {
  offerCopies(() => [recommendationCopied(id, viewOf()), reportCopied(id, viewOf()), jobCopied(id)]);
  steps = new Steps(await getPlan()); // before the job, so that the job has all steps of the plan
  job = await getJob();
  hasSearch = Boolean((await getJson("/v1/jobs/{job_id}/spec", { job_id: id })).search);
  await show().catch(failed); // the parts that could be shown stay
  loaded();
  const poll = setInterval(() => document.hidden && refresh().catch(console.info), HIDDEN_REFRESH_MS);
  await followEvents();
  clearInterval(poll);
  await refresh();
}, "Job");

function getPlan() {
  return getJson("/v1/jobs/{job_id}/plan", { job_id: id });
}

function getJob() {
  return getJson("/v1/jobs/{job_id}", { job_id: id });
}

async function followEvents() {
  const refreshSoon = afterPause(REFRESH_MS, () => refresh().catch(failed));
  const drawSoon = afterPause(REFRESH_MS, drawCurves);
  let isBroken = false;
  await follow(
    `v1/jobs/${id}/events`,
    (type, event) => {
      if (type === "step" || type === "epoch") steps.log(event);
      if (type === "progress") {
        running = event.running;
        showProgress(event.progress);
      } else if (type === "epoch") {
        keepEpoch(event.data.step, event.data.epoch, event.data.metrics);
        drawSoon();
      } else {
        isPlanStale ||= type === "plan"; // the plan has grown
        refreshSoon();
      }
      if (isBroken) allIsWell();
      isBroken = false;
    },
    (error) => {
      isBroken = true;
      failed(error);
    },
  );
}

async function refresh() {
  if (isPlanStale) {
    isPlanStale = false;
    steps.plan = await getPlan();
  }
  job = await getJob();
  if (!ACTIVE.has(job.state)) running = [];
  await show();
}

async function show() {
  const all = job.pipelines.flatMap((pipeline) => pipeline.steps);
  showHead();
  showProgress(job.progress);
  showActions();
  const done = all.filter((step) => step.kind === "evaluation" && step.state === "succeeded").length;
  showDownloads(done > 0);
  await steps.show(Object.fromEntries(all.map((step) => [step.key, step])));
  if (done !== evaluated) {
    evaluated = done;
    at("recommendation").hidden = false;
    await showRecommendation(id);
  }
  const pack = all.find((step) => step.kind === "pack" && step.state === "succeeded");
  if (pack) await showDataset(pack.key, isAugmented() ? id : null);
  await fetchEpochs(all.filter((step) => step.kind === "stage" && step.state === "succeeded").map((step) => step.key));
  drawCurves();
  if (job.state !== stateOfDeliveries) {
    stateOfDeliveries = job.state;
    await showDeliveries(job);
  }
}

/** Whether a training of the job changes its images. */
function isAugmented() {
  return steps.plan.steps.some(
    ({ parameters }) =>
      parameters.kind === "stage" && Object.values(parameters.training.augmentation ?? {}).some(Boolean),
  );
}

function drawCurves() {
  showCurves(steps.plan.steps, (key) => steps.pipelinesOf(key));
}

function showHead() {
  const finished = job.finished_at ? `, finished ${moment(job.finished_at)}` : "";
  document.title = `${job.name} (${spaced(job.state)}) - Edgepress`;
  at("name").textContent = job.name;
  at("about").textContent = `${job.id}, created ${moment(job.created_at)}${finished}`;
  at("state").textContent = spaced(job.state);
  at("state").className = `state ${job.state}`;
  at("imported").hidden = !job.imported;
  at("imported").textContent = job.imported?.words ?? "";
  at("error").hidden = !job.error;
  at("error").textContent = job.error ?? "";
  showLabels(job, refresh);
}

/** @param {number} share */
function showProgress(share) {
  const isActive = ACTIVE.has(job.state);
  const bar = at("progress", HTMLProgressElement);
  bar.hidden = !isActive;
  bar.value = share;
  bar.textContent = percent(share, 0);
  const of = job.plan_complete ? "" : " of the steps planned so far";
  at("doing").textContent = isActive ? `${percent(share, 0)} done${of}. ${running.map(progressOf).join("; ")}` : "";
}

/** @param {RunningStep} step */
function progressOf({ key, title, progress }) {
  const names = steps.pipelinesOf(key);
  const words = [names && !names.includes(",") ? `${title} (${names})` : title];
  if (progress?.epochs) words.push(`epoch ${progress.epoch ?? 0} of ${progress.epochs}`);
  else if (progress) words.push(percent(progress.fraction, 0));
  if (progress?.seconds_left) words.push(`${duration(progress.seconds_left)} left`);
  return words.join(", ");
}

function showActions() {
  const isActive = ACTIVE.has(job.state);
  const canRetry = ["failed", "cancelled", "partly_succeeded"].includes(job.state) && !job.imported;
  fill(
    at("actions"),
    hasSearch && el("a", { class: "button plain", href: address(`jobs/${id}/search`) }, "Show search"),
    el("a", { class: "button plain", href: address(`new?like=${id}`) }, "Duplicate job"),
    !isActive && archive(),
    isActive && action("Cancel", `v1/jobs/${id}/cancel`, refresh),
    canRetry && action("Retry", `v1/jobs/${id}/retry`, () => location.reload()), // to follow its events again
  );
}

function archive() {
  const link = { class: "button plain", href: address(`v1/jobs/${id}/archive`), download: `${id}.zip` };
  return el("a", { ...link, onclick: fetchesFile }, "Download archive");
}

/**
 * @param {string} label
 * @param {string} path
 * @param {() => unknown} next
 */
function action(label, path, next) {
  const act = () => {
    button.disabled = true;
    post(path)
      .then(next)
      .catch((error) => {
        button.disabled = false;
        failed(error);
      });
  };
  const button = el("button", { type: "button", id: `do-${label.toLowerCase()}`, class: "plain", onclick: act }, label);
  return button;
}

/** @param {boolean} hasResults */
function showDownloads(hasResults) {
  at("downloads").hidden = !hasResults;
  if (!hasResults) return;
  const report = address(`v1/jobs/${id}/report?format=`);
  /** @param {string} format */
  const file = (format) => {
    const link = { href: `${report}${format}`, download: `${id}.${format}`, onclick: fetchesFile };
    return el("a", link, format.toUpperCase());
  };
  const open = { href: `${report}html`, target: "_blank", rel: "noopener", id: "open-report", onclick: opensPage };
  fill(
    at("downloads"),
    el("a", open, "Open report"),
    el("span", {}, "Download as ", file("html"), ", ", file("csv"), ", ", file("json")),
  );
}
