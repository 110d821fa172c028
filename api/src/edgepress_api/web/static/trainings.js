/**
 * Keeps the metrics of the trainings of a job, epoch by epoch, and draws them.
 *
 * @import { Metrics, PlannedStep } from "../types.js"
 */

import { getJson } from "./api.js";
import { drawCurves } from "./curves.js";
import { at, el, fill } from "./dom.js";
import { percent } from "./words.js";

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

/**
 * Draw the curves of all trainings of which at least one epoch is known.
 *
 * @param {PlannedStep[]} steps
 * @param {(key: string) => string} pipelinesOf
 */
export function showCurves(steps, pipelinesOf) {
  const articles = steps.flatMap(({ key, title, parameters }) => {
    const known = epochs.get(key);
    if (parameters.kind !== "stage" || !known) return [];
    const { architecture } = parameters.model;
    return [training(title, `${architecture}; ${pipelinesOf(key)}`, [...known], parameters.training.epochs)];
  });
  at("trainings").hidden = articles.length === 0;
  fill(at("curves"), articles);
}

/**
 * @param {string} title
 * @param {string} details
 * @param {[number, Metrics][]} known
 * @param {number} planned
 */
function training(title, details, known, planned) {
  const metrics = known.sort(([one], [other]) => one - other).map(([, each]) => each);
  const accuracy = metrics.at(-1)?.val_accuracy ?? 0;
  return el(
    "article",
    { class: "training-of", "data-epochs": metrics.length },
    el("h3", {}, `${title} `, el("span", { class: "soft" }, details)),
    el("p", { class: "small" }, `Epoch ${metrics.length} of ${planned}. Validation accuracy: ${percent(accuracy)}.`),
    planned > 1 && drawCurves(metrics, planned), // a single epoch has no curve
  );
}
