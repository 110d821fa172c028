/**
 * Creates and fills elements.
 *
 * Content from outside is inserted as text, never as HTML, so that a name cannot run as a script.
 *
 * @import { Attributes, Child, Column } from "../types.js"
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an HTML element: `el("a", {href, onclick}, "text", otherElement)`.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 */
export function el(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * Create an SVG element.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 */
export function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * Return the page's element with this id.
 *
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @param {new () => Kind} [kind] Its class, where more than HTMLElement is needed.
 * @returns {Kind}
 * @throws {Error} No element of this class has this id.
 */
export function at(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof (kind ?? HTMLElement))) throw new Error(`the page has no element #${id}`);
  return /** @type {Kind} */ (found);
}

/**
 * Replace the content of an element. The focus stays on the element with the same id, if the new content has one.
 *
 * @template {Element} Kind
 * @param {Kind} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement?.id : "";
  element.replaceChildren(...nodes(children));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  return element;
}

/**
 * Create a table in a region that can be scrolled by keyboard.
 *
 * @param {string} name The accessible name of the region.
 * @param {Column[]} columns
 * @param {Child[][]} rows Cells of each row, one for each column.
 * @param {object} [options]
 * @param {string} [options.className] Class of the table.
 * @param {{title: string, columns: number}[]} [options.over] Headings above the columns, and how many columns each spans.
 */
export function table(name, columns, rows, { className = "wide", over = [] } = {}) {
  const head = columns.map(({ title, number }) => el("th", { scope: "col", class: number ? "number" : null }, title));
  const body = rows.map((cells) =>
    el(
      "tr",
      {},
      cells.map((cell, index) => el("td", { class: columns[index].number ? "number" : null }, cell)),
    ),
  );
  return el(
    "div",
    { class: "scroll", role: "region", "aria-label": name, tabindex: 0 },
    el(
      "table",
      { class: className },
      el("thead", {}, over.length > 0 && el("tr", {}, over.map(heading)), el("tr", {}, head)),
      el("tbody", {}, body),
    ),
  );
}

/**
 * Create a list of names and values. Values that are left out (see `Child`) have no entry.
 *
 * @param {Record<string, Child>} entries
 */
export function facts(entries) {
  const present = Object.entries(entries).filter(([, value]) => isPresent(value));
  return el(
    "dl",
    {},
    present.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
}

/**
 * Return a function that calls another once it has not been called itself for some time.
 *
 * @param {number} milliseconds
 * @param {() => unknown} run
 */
export function afterPause(milliseconds, run) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(run, milliseconds);
  };
}

/** @param {{title: string, columns: number}} heading */
function heading({ title, columns }) {
  if (!title) return el("td", { colspan: columns });
  return el("th", { scope: "colgroup", colspan: columns, class: "over" }, title);
}

/**
 * @template {Element} Kind
 * @param {Kind} element
 * @param {Attributes | undefined} attributes
 * @param {Child[]} children
 * @returns {Kind}
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children.flatMap((child) => {
    if (Array.isArray(child)) return nodes(child);
    if (!isPresent(child)) return [];
    return [child instanceof Node ? child : String(child)];
  });
}

/** @param {Child} child */
function isPresent(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}
