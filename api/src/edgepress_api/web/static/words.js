/**
 * Writes numbers, moments and names as all pages and the command line do (`edgepress_common.figures.formats`).
 *
 * @import { JobState } from "../types.js"
 */

const MONTH_DAY = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** @type {JobState[]} */
export const STATES = ["queued", "running", "succeeded", "partly_succeeded", "failed", "cancelled"];
/** @type {ReadonlySet<JobState>} */
export const ACTIVE = new Set(/** @type {JobState[]} */ (["queued", "running"]));

/**
 * Format `0.94567` as `94.57 %`.
 *
 * @param {number} share
 */
export function percent(share, digits = 2) {
  return `${(100 * share).toFixed(digits)} %`;
}

/**
 * Format a size in bytes: `11742208` as "11.7 MB".
 *
 * @param {number} bytes
 */
export function size(bytes) {
  return withPrefix(bytes, "B");
}

/**
 * Format a large count: `11742208` as "11.7 M".
 *
 * @param {number} count
 */
export function largeCount(count) {
  return withPrefix(count, "").trimEnd();
}

/**
 * @param {number} value
 * @param {string} unit
 */
function withPrefix(value, unit) {
  let amount = value;
  for (const prefix of ["", "k", "M"]) {
    if (amount < 1000) return `${prefix ? significant(amount) : amount} ${prefix}${unit}`;
    amount /= 1000;
  }
  return `${significant(amount)} G${unit}`;
}

/**
 * Format a time in milliseconds as microseconds.
 *
 * @param {number} value
 */
export function microseconds(value) {
  return significant(1000 * value);
}

/**
 * Format `93` as `1 min 33 s`.
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 60) return `${significant(seconds)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds) % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Format the time between two moments; a dash if one is not known.
 *
 * @param {string | null | undefined} from
 * @param {string | null | undefined} to
 */
export function between(from, to) {
  return from && to ? duration((Date.parse(to) - Date.parse(from)) / 1000) : "-";
}

/**
 * Format `3.98` as `3.98×`.
 *
 * @param {number | null | undefined} ratio
 */
export function times(ratio) {
  return ratio === null || ratio === undefined
    ? "-"
    : `${Math.abs(ratio) < 1 ? ratio.toFixed(2) : significant(ratio)}×`;
}

/**
 * Format a moment in the reader's time zone; a dash for none.
 *
 * @param {string | null | undefined} text
 */
export function moment(text) {
  return text ? MONTH_DAY.format(new Date(text)) : "-";
}

/**
 * Format the time of day of a moment in the reader's time zone, to the second.
 *
 * @param {string} text
 */
export function clock(text) {
  return CLOCK.format(new Date(text));
}

/**
 * Format `partly_succeeded` as `partly succeeded`.
 *
 * @param {string} name
 */
export function spaced(name) {
  return name.replaceAll("_", " ");
}

/**
 * Format a count with its noun: `1 step`, `2 steps`.
 *
 * @param {number} count
 * @param {string} noun
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * Format a number with three significant digits, or all digits of its whole part.
 *
 * @param {number} value
 */
export function significant(value) {
  const amount = Math.abs(value);
  return value.toFixed(amount > 0 && amount < 1 ? 3 : amount < 10 ? 2 : amount < 100 ? 1 : 0);
}

/**
 * Return the name of a file: its pipeline, its export, and options that tell it from others of the pipeline.
 *
 * @param {{pipeline: string, export: string, options?: string}} file
 */
export function nameOf(file) {
  return `${file.pipeline} ${file.export}${file.options ? ` (${file.options})` : ""}`;
}
