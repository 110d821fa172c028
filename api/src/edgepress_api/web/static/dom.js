/**
 * Makes elements. Whatever comes from outside is put in as text, never as HTML, so a name can't be a script.
 */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: `el("a", {href, onclick}, "text", otherElement)`. What is null or false is left out. */
export function el(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An SVG element, likewise. */
export function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** The element of the page that has this id. */
export function at(id) {
  return document.getElementById(id);
}

/** Puts new content in the place of the old; the focus stays where it was if an element of the same id is there. */
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...children.flat().filter(isThere));
  if (focused) at(focused)?.focus({ preventScroll: true });
  return element;
}

/**
 * A table in a region that can be scrolled by keyboard: `columns` are `{title, number}`, rows are lists of cells, and `over`
 * are `{title, columns}` that stand above them: so many columns each.
 */
export function table(name, columns, rows, { className = "wide", over = [] } = {}) {
  const head = columns.map(({ title, number }) => el("th", { scope: "col", class: number && "number" }, title));
  const above = over.length > 0 && el("tr", {}, over.map(({ title, columns: span }) => (title ? el("th", { scope: "colgroup", colspan: span, class: "over" }, title) : el("td", { colspan: span }))));
  const body = rows.map((cells) =>
    el("tr", {}, cells.map((cell, index) => el("td", { class: columns[index].number && "number" }, cell))),
  );
  return el(
    "div",
    { class: "scroll", role: "region", "aria-label": name, tabindex: 0 },
    el("table", { class: className }, el("thead", {}, above, el("tr", {}, head)), el("tbody", {}, body)),
  );
}

/** Runs a function once it has not been asked for during some milliseconds. */
export function afterPause(milliseconds, run) {
  let waiting;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(run, milliseconds);
  };
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(isThere));
  return element;
}

function isThere(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}
