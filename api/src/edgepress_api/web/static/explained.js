/**
 * Terms with an explanation that is shown on hover and on focus.
 *
 * @import { Child } from "../types.js"
 */

import { el } from "./dom.js";
import { newId } from "./fields.js";

const NOT_SIGNIFICANT = "not statistically significant";
const WHY_NOT =
  "A test at the level of 5 % can’t tell the two files apart: on other images of the same kind, the difference could be zero or the other way round. More validation images make the test sharper.";

/**
 * Create a term with an explanation. Escape hides it.
 *
 * @param {string} term
 * @param {string} explanation
 */
export function explained(term, explanation) {
  const id = newId();
  const onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") /** @type {HTMLElement} */ (event.currentTarget).blur();
  };
  return el(
    "span",
    { class: "explained" },
    el("button", { type: "button", class: "term", "aria-describedby": id, onkeydown }, term),
    el("span", { role: "tooltip", id }, explanation),
  );
}

/** Create the mark of a difference that is not statistically significant. */
export function insignificant() {
  return explained("~", `The difference to the best accuracy is ${NOT_SIGNIFICANT}. ${WHY_NOT}`);
}

/**
 * Return a text of the gateway, in which the terms that need it are explained.
 *
 * @param {string} text
 * @returns {Child[]}
 */
export function withExplanations(text) {
  return text
    .split(NOT_SIGNIFICANT)
    .flatMap((part, index) => (index === 0 ? [part] : [explained(NOT_SIGNIFICANT, WHY_NOT), part]));
}
