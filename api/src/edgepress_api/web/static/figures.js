/**
 * The figures as the server declares them: which are criteria, and how their values are written.
 *
 * @import { Figure, Figures } from "../types.js"
 * @typedef {Figure & {criterion: NonNullable<Figure["criterion"]>}} CriterionFigure
 */

import { getJson } from "./api.js";
import { duration, largeCount, percent, significant, size, times } from "./words.js";

/** @type {Promise<Figures> | null} */
let asked = null;

/** Return the figures of the server, which are requested once for a page. */
export function fetchFigures() {
  asked ??= getJson("/v1/figures", {}).catch((error) => {
    asked = null;
    throw error;
  });
  return asked;
}

/**
 * Return the figures that recommendations can be made by.
 *
 * @param {Figures} all
 */
export function criteriaOf({ figures }) {
  return /** @type {CriterionFigure[]} */ (figures.filter((each) => each.criterion));
}

/**
 * Return the criteria that tables, cards and charts show: without criteria that are unknown for all files.
 *
 * @param {Figures} all
 * @param {unknown[]} files Files with a field for each criterion.
 */
export function shownCriteria(all, files) {
  return criteriaOf(all).filter(
    ({ criterion }) => criterion.is_told && files.some((file) => numberAt(file, criterion.field) !== null),
  );
}

/**
 * Return the figures that are columns of the comparison, those of the test split first.
 *
 * @param {Figures} all
 * @param {Figure["source"][]} sources Results that the figures are read from.
 */
export function columnsFrom({ figures }, ...sources) {
  return figures
    .flatMap((figure) => (figure.column && sources.includes(figure.source) ? [{ figure, column: figure.column }] : []))
    .sort((one, other) => Number(isFinal(other)) - Number(isFinal(one)) || one.column.position - other.column.position);
}

/** @param {{figure: Figure}} column */
function isFinal({ figure }) {
  return figure.split === "test";
}

/**
 * Return the number at a path in an answer; null if it is not known.
 *
 * @param {unknown} answer
 * @param {string} path Names, separated by dots.
 * @returns {number | null}
 */
export function numberAt(answer, path) {
  /** @type {any} */
  let value = answer;
  for (const name of path.split(".")) value = value?.[name];
  return typeof value === "number" ? value : null;
}

/**
 * Format a value with its unit; a dash for an unknown value.
 *
 * @param {Figure} figure
 * @param {number | null} value
 */
export function text({ unit, digits }, value) {
  if (value === null) return "-";
  switch (unit) {
    case "share":
      return percent(value, digits ?? 2);
    case "bytes":
      return size(value);
    case "s":
      return duration(value);
    case "times":
      return times(value);
    case "large_count":
      return largeCount(value);
    case "count":
      return Math.round(value).toLocaleString("en");
    default:
      return `${significant(value)} ${unit}`.trimEnd();
  }
}

/**
 * Format a value without its unit; a dash for an unknown value.
 *
 * @param {Figure} figure
 * @param {number | null} value
 */
export function bare(figure, value) {
  if (value === null) return "-";
  if (figure.unit === "share") return (100 * value).toFixed(figure.digits ?? 2);
  return figure.bare_unit ? significant(value / figure.per_bare) : text(figure, value);
}

/**
 * Write the first letter as a capital.
 *
 * @param {string} words
 */
export function capitalized(words) {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}

/**
 * Return the name of a criterion's limit with the unit that the user writes it in, and how many of the API's units that is.
 *
 * @param {CriterionFigure} figure
 */
export function limitUnit({ criterion, bare_unit: unit, per_bare: amount }) {
  if (criterion.limit_kind === "drop") return { label: `${criterion.title} loss, points`, unit: 0.01 };
  return { label: [criterion.title, unit].filter(Boolean).join(", "), unit: amount };
}
