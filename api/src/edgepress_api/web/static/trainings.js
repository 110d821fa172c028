/**
 * Keeps the metrics of the trainings of a job, epoch by epoch, and draws them.
 *
 * @import { Chart, Metrics, PlannedStep } from "../types.js"
 */

import { getJson } from "./api.js";
import { showCharts } from "./chart_figures.js";
import { at, el, fill } from "./dom.js";
import { percent, significant } from "./words.js";

/** @type {Map<string, Map<number, Metrics>>} */
const epochs = new Map(); // by step and number of the epoch
/** @type {Set<string>} */
const complete = new Set(); // steps whose epochs are all known; a training may stop early

/**
 * Keep the metrics of an epoch.
 *
 * @param {string} key
 * @param {number} epoch
 * @param {Metrics} metrics
 */
export function keepEpoch(key, epoch, metrics) {
  const known = epochs.get(key) ?? new Map();
  epochs.set(key, known.set(epoch, metrics));
}

/**
 * Get the epochs of trainings that ended before the page was opened, or while it was hidden.
 *
 * @param {string[]} succeeded Keys of the stages that have succeeded.
 */
export async function fetchEpochs(succeeded) {
  for (const key of succeeded.filter((each) => !complete.has(each))) {
    const { result } = await getJson("/v1/steps/{key}", { key });
    if (result?.kind !== "stage") continue;
    for (const { epoch, ...metrics } of result.epochs) keepEpoch(key, epoch, metrics);
    complete.add(key);
  }
}

/** @type {Map<string, HTMLElement>} */
const articles = new Map(); // by step; kept, so that its charts are

/**
 * Draw the curves of all trainings of which at least one epoch is known.
 *
 * @param {PlannedStep[]} steps
 * @param {(key: string) => string} pipelinesOf
 */
export function showCurves(steps, pipelinesOf) {
  const shown = steps.flatMap(({ key, title, parameters }) => {
    const known = epochs.get(key);
    if (parameters.kind !== "stage" || !known) return [];
    const article = articles.get(key) ?? newArticle(title);
    articles.set(key, article);
    const { architecture } = parameters.model;
    update(article, `${architecture}; ${pipelinesOf(key)}`, [...known], parameters.training.epochs);
    return [article];
  });
  at("trainings").hidden = shown.length === 0;
  const place = at("curves");
  if (shown.some((each, index) => each !== place.children[index])) fill(place, shown);
}

/** @param {string} title */
function newArticle(title) {
  return el(
    "article",
    { class: "training-of" },
    el("h3", {}, `${title} `, el("span", { class: "soft" })),
    el("p", { class: "small" }),
    el("div", { class: "charts" }),
  );
}

/**
 * @param {HTMLElement} article
 * @param {string} details
 * @param {[number, Metrics][]} known
 * @param {number} planned
 */
function update(article, details, known, planned) {
  const metrics = known.sort(([one], [other]) => one - other).map(([, each]) => each);
  const accuracy = metrics.at(-1)?.val_accuracy ?? 0;
  article.dataset.epochs = String(metrics.length);
  const [about, words, charts] = article.querySelectorAll(/** @type {"div"} */ ("h3 span, p.small, div.charts"));
  about.textContent = details;
  words.textContent = `Epoch ${metrics.length} of ${planned}. Validation accuracy: ${percent(accuracy)}.`;
  if (planned < 2) return; // a single epoch has no curve
  showCharts(charts, [curves("Accuracy", metrics, "accuracy", planned), curves("Loss", metrics, "loss", planned)]);
}

/**
 * Describe a curve of the training and one of the validation, as `edgepress_api.report.charts.curves` does.
 *
 * @param {string} title
 * @param {Metrics[]} metrics
 * @param {string} name Name of the metric.
 * @param {number} planned
 * @returns {Chart}
 */
function curves(title, metrics, name, planned) {
  const lines = { training: name, validation: `val_${name}` };
  const series = Object.entries(lines).map(([colour, metric]) => ({
    name: colour,
    kind: /** @type {const} */ ("line"),
    colour,
    points: metrics.flatMap((each, index) => {
      const y = each[metric];
      if (typeof y !== "number" || !Number.isFinite(y)) return [];
      return [{ x: index + 1, y, words: `${colour}, epoch ${index + 1}: ${significant(y)}` }];
    }),
  }));
  const final = series.map((each) => `${each.name} ${each.points.at(-1)?.y.toFixed(3)}`).join(", ");
  const summary = `${title} over ${metrics.length} epochs; final ${final}`;
  return {
    topic: "training",
    title,
    summary,
    x: { title: "epoch", ends: [1, planned] },
    y: { title: title.toLowerCase() },
    series,
  };
}
