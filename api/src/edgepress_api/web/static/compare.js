/**
 * Compares jobs by pipeline, each with the first; without jobs in the address, it lists pinned comparisons, and jobs to select.
 *
 * @import { Child, ComparedFile, Comparison, JobSummary, PinnedComparison } from "../types.js"
 * @import { CriterionFigure } from "./figures.js"
 */

import { viewOf } from "./address.js";
import { address, failed, getJson, pathParts, post, request } from "./api.js";
import { comparisonCopied, comparisonsCopied } from "./copies.js";
import { offerCopies } from "./copy_menu.js";
import { settingsThatDiffer } from "./differences.js";
import { at, el, fill, table } from "./dom.js";
import { capitalized, shownCriteria, fetchFigures, numberAt, text } from "./figures.js";
import { start } from "./page.js";
import { moment, percent, spaced } from "./words.js";

const CHOICES = 50;

const [page, pinnedId] = pathParts();
const isPinned = page === "comparisons";

start(
  async () => {
    const pinned = isPinned
      ? await getJson("/v1/comparisons/{comparison_id}", { comparison_id: pinnedId })
      : { name: "", jobs: [] };
    const jobs = isPinned ? pinned.jobs.map((job) => job.id) : viewOf().getAll("job");
    offerCopies(() => [jobs.length < 2 ? comparisonsCopied() : comparisonCopied(jobs)]);
    if (isPinned) {
      at("title").textContent = pinned.name;
      document.title = `${pinned.name} - Edgepress`;
      at("note").hidden = jobs.length > 1;
    } else if (jobs.length < 2) await Promise.all([listPinned(), offerJobs(new Set(jobs))]);
    if (jobs.length < 2) return;
    const comparison = await getJson("/v1/comparison", {}, new URLSearchParams(jobs.map((job) => ["job", job])));
    const files = comparison.rows.flatMap((row) => row.jobs);
    show(comparison, shownCriteria(await fetchFigures(), files));
    if (!isPinned) offerPin(jobs);
  },
  isPinned ? "Comparison" : "Job",
);

async function listPinned() {
  const { comparisons } = await getJson("/v1/comparisons", {});
  at("pinned").hidden = comparisons.length === 0;
  fill(
    at("pinned-list"),
    comparisons.map((each) => pinnedEntry(each)),
  );
}

/** @param {PinnedComparison} comparison */
function pinnedEntry({ id, name, jobs, created_at: created }) {
  const unpin = () => {
    request(`v1/comparisons/${id}`, { method: "DELETE" }).then(listPinned).catch(failed);
  };
  const button = { type: "button", class: "plain small", onclick: unpin, "aria-label": `Unpin ${name}` };
  const names = jobs.map((job) => job.name).join(", ") || "all of its jobs are deleted";
  return el(
    "li",
    { class: "row" },
    el("a", { href: address(`comparisons/${id}`) }, name),
    el("span", { class: "soft small" }, `${names}; ${moment(created)}`),
    el("button", button, "Unpin"),
  );
}

/**
 * Offer to keep the comparison under a name.
 *
 * @param {string[]} jobs
 */
function offerPin(jobs) {
  const form = at("pin", HTMLFormElement);
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = at("pin-name", HTMLInputElement).value;
    post("v1/comparisons", JSON.stringify({ name, jobs }))
      .then(async (response) => {
        location.href = address(`comparisons/${(await response.json()).id}`);
      })
      .catch(failed);
  });
}

/** @param {Set<string>} chosen */
async function offerJobs(chosen) {
  const { jobs } = await getJson("/v1/jobs", {}, new URLSearchParams({ page_size: String(CHOICES) }));
  if (jobs.length < 2) {
    fill(at("content"), el("p", { class: "note" }, "A comparison needs at least two jobs."));
    return;
  }
  const button = el("button", { type: "submit", disabled: chosen.size < 2 }, "Compare");
  const boxes = jobs.map((job) =>
    box(job, chosen, () => {
      button.disabled = chosen.size < 2;
    }),
  );
  /** @param {SubmitEvent} event */
  const go = (event) => {
    event.preventDefault();
    location.href = address(`compare?${[...chosen].map((id) => `job=${id}`).join("&")}`);
  };
  const legend = el(
    "legend",
    {},
    "Select two or more jobs; the others are compared with the job that you select first",
  );
  fill(at("content"), el("form", { onsubmit: go }, el("fieldset", { class: "group" }, legend, boxes), button));
}

/**
 * @param {JobSummary} job
 * @param {Set<string>} chosen
 * @param {() => void} onChange
 */
function box(job, chosen, onChange) {
  const choose = () => {
    if (input.checked) chosen.add(job.id);
    else chosen.delete(job.id);
    onChange();
  };
  const checked = chosen.has(job.id);
  const input = el("input", { type: "checkbox", id: `choose-${job.id}`, value: job.id, checked, onchange: choose });
  const label = `${job.name}, ${spaced(job.state)}, ${moment(job.created_at)}`;
  return el("div", { class: "field check" }, input, el("label", { for: input.id }, label));
}

/**
 * @param {Comparison} comparison
 * @param {CriterionFigure[]} figures
 */
function show(comparison, figures) {
  const caution = "The jobs validate on different images, so their accuracies cannot be compared.";
  fill(
    at("content"),
    !comparison.same_images && el("p", { class: "note" }, caution),
    comparison.jobs.map(({ name, imported }) => imported && el("p", { class: "note" }, `${name}: ${imported.words}`)),
    el("section", {}, el("h2", {}, "Jobs"), jobsTable(comparison)),
    el(
      "section",
      {},
      el("h2", {}, "Results by pipeline"),
      byPipeline(comparison, figures),
      el(
        "p",
        { class: "small soft" },
        "Below each figure: the difference to the first job. “~”: not statistically significant.",
        rowsHaveSeeds(comparison) &&
          " “±”: mean and standard deviation over the job's seeds; the other figures are those of the file with the " +
            "median accuracy. Where both jobs have several seeds in common, accuracies are compared between the " +
            "methods (paired t-test over seeds), else between the two files.",
      ),
    ),
    el("section", {}, el("h2", {}, "Differences between the specs"), differences(comparison)),
  );
}

/** @param {Comparison} comparison */
function rowsHaveSeeds({ rows }) {
  return rows.some((row) => row.jobs.some((each) => each?.over_seeds));
}

/** @param {Comparison} comparison */
function jobsTable({ jobs, best_all_round: best }) {
  const columns = ["Job", "State", "Created", "Best all-round"].map((title) => ({ title }));
  const rows = jobs.map((job, index) => [
    el("a", { href: address(`jobs/${job.id}`) }, job.name),
    el("span", { class: `state ${job.state}` }, spaced(job.state)),
    moment(job.created_at),
    best[index].join("; ") || "-",
  ]);
  return table("Jobs", columns, rows, { className: "wide jobs" });
}

/**
 * @param {Comparison} comparison
 * @param {CriterionFigure[]} criteria
 */
function byPipeline({ jobs, rows }, criteria) {
  const hasTest = rows.some((row) => row.jobs.some((each) => typeof each?.test_accuracy === "number"));
  const [accuracy, ...others] = criteria;
  const titles = criteria.map(({ criterion }) => capitalized(criterion.title));
  if (hasTest) titles.splice(1, 0, "Test accuracy");
  const figures = titles.map((title) => ({ title, number: true }));
  const columns = [{ title: "Pipeline" }, { title: "Export" }, { title: "Device" }, ...jobs.flatMap(() => figures)];
  const over = [{ title: "", columns: 3 }, ...jobs.map(({ name }) => ({ title: name, columns: figures.length }))];
  const lines = rows.map((row) => [
    row.pipeline,
    row.export,
    `${row.device}, ${row.threads}`,
    ...row.jobs.flatMap((measured) => [
      cell(accuracy, measured),
      ...(hasTest ? [testCell(measured)] : []),
      ...others.map((figure) => cell(figure, measured)),
    ]),
  ]);
  return table("Results by pipeline", columns, lines, { className: "wide comparison", over });
}

/**
 * @param {CriterionFigure} figure
 * @param {ComparedFile} measured
 * @returns {Child}
 */
function cell(figure, measured) {
  if (measured === null) return "-";
  const { name, field } = figure.criterion;
  const words =
    measured.change && (name === "accuracy" ? accuracyChange(measured.change) : ratio(name, measured.change));
  const over = name === "accuracy" ? measured.over_seeds : null;
  const shown = over ? spread(over.accuracy_mean, over.accuracy_std) : text(figure, numberAt(measured, field));
  return [shown, under(words)];
}

/** @param {string | false | null} words */
function under(words) {
  return words && [el("br"), el("span", { class: "soft small" }, words)];
}

/**
 * @param {string} criterion
 * @param {NonNullable<NonNullable<ComparedFile>["change"]>} change
 */
function ratio(criterion, change) {
  const value = numberAt(change, `${criterion}_ratio`);
  const isNoise = criterion === "latency" && change.latency_within_noise;
  return value === null ? null : `${value.toFixed(2)}×${isNoise ? "~" : ""}`;
}

/** @param {NonNullable<NonNullable<ComparedFile>["change"]>} change */
function accuracyChange(change) {
  return change.same_file && change.about === "files"
    ? "same file"
    : points(change.accuracy_points, change.within_noise);
}

/** @param {ComparedFile} measured */
function testCell(measured) {
  if (typeof measured?.test_accuracy !== "number") return "-";
  const { test_accuracy: accuracy, over_seeds: over, change } = measured;
  const difference = change?.test_points;
  return [
    typeof over?.test_accuracy_mean === "number"
      ? spread(over.test_accuracy_mean, over.test_accuracy_std ?? 0)
      : percent(accuracy),
    under(typeof difference === "number" && points(difference, change?.test_within_noise ?? false)),
  ];
}

/**
 * @param {number} mean
 * @param {number} std
 */
function spread(mean, std) {
  return `${percent(mean)} ± ${percent(std)}`;
}

/**
 * @param {number} share
 * @param {boolean} isNoise
 */
function points(share, isNoise) {
  return `${share >= 0 ? "+" : "−"}${Math.abs(100 * share).toFixed(2)}${isNoise ? "~" : ""} points`;
}

/** @param {Comparison} comparison */
function differences({ jobs, spec_differences: found }) {
  const settings = found.flatMap(({ field, values }) => settingsThatDiffer(field, values));
  if (settings.length === 0) return el("p", {}, "The specs are the same.");
  const columns = [{ title: "Setting" }, ...jobs.map((job) => ({ title: job.name }))];
  const rows = settings.map(({ field, values }) => [
    el("code", { class: "long" }, field),
    ...values.map((value) => el("span", { class: "long" }, value)),
  ]);
  return table("Differences between the specs", columns, rows, { className: "wide differences" });
}
