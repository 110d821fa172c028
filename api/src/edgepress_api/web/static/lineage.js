/**
 * Follows a trial to the trials that it comes from.
 *
 * @import { Trial } from "../types.js"
 */

import { spaced } from "./words.js";

/**
 * Return the ancestors of a trial from the first on, and the trial, each with what changed.
 *
 * @param {Trial[]} trials
 * @param {string} name
 * @returns {{trial: Trial, changes: string}[]}
 */
export function lineageOf(trials, name) {
  const byName = new Map(trials.map((each) => [each.name, each]));
  /** @type {{trial: Trial, changes: string}[]} */
  const found = [];
  /** @type {Set<string>} */
  const seen = new Set();
  for (let trial = byName.get(name); trial && !seen.has(trial.name);) {
    seen.add(trial.name);
    const parent = byName.get(trial.trial?.parents?.[0] ?? "");
    found.unshift({ trial, changes: changesOf(trial, parent) });
    trial = parent;
  }
  return found;
}

/**
 * @param {Trial} trial
 * @param {Trial | undefined} parent
 */
function changesOf({ trial }, parent) {
  if (!trial) return "listed in the spec";
  if (!parent) {
    const choices = Object.entries(trial.choices ?? {}).map(([choice, label]) => `${spaced(choice)} ${label}`);
    return [trial.reason, ...choices].join(", ");
  }
  const before = parent.trial?.choices ?? {};
  const changes = Object.entries(trial.choices ?? {})
    .filter(([choice, label]) => before[choice] !== label)
    .map(([choice, label]) => `${spaced(choice)} ${label} instead of ${before[choice]}`);
  return changes.length > 0 ? changes.join(", ") : trial.reason;
}
