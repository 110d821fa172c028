/**
 * Makes the figures of charts on the dashboard: a title, the chart, and its points as a table. The page's address keeps the
 * series that are hidden.
 *
 * @import { Chart, Child, ParallelChart } from "../types.js"
 */

import { keepView, viewOf, whenReturned } from "./address.js";
import { failed } from "./api.js";
import { drawChart } from "./charts.js";
import { el, fill, table } from "./dom.js";
import { significant } from "./words.js";

/** @type {WeakMap<Element, Chart | ParallelChart>} */
const described = new WeakMap();
/** @type {Map<HTMLElement, Set<string>>} */
const hidden = new Map(); // series, by figure

whenReturned(() => {
  for (const [figure, names] of hidden) {
    const chart = described.get(figure);
    if (!chart || !figure.isConnected) continue;
    readHidden(figure, names);
    drawChart(figure, chart).catch(failed);
  }
});

/**
 * Show charts in an element. A figure of a chart with the same title is kept, with the series that the user has hidden.
 *
 * @param {HTMLElement} place
 * @param {(Chart | ParallelChart)[]} charts
 * @param {(names: string[] | null) => void} [onSelect] As in `drawChart`.
 */
export function showCharts(place, charts, onSelect) {
  const known = new Map(
    [...place.children].map((each) => [each instanceof HTMLElement ? each.dataset.title : undefined, each]),
  );
  const figures = charts.map((chart) => {
    const kept = known.get(chart.title);
    return kept instanceof HTMLElement ? kept : figureOf(chart);
  });
  if (figures.length !== place.children.length || figures.some((each, index) => each !== place.children[index])) {
    place.replaceChildren(...figures);
  }
  figures.forEach((figure, index) => {
    if (JSON.stringify(described.get(figure)) === JSON.stringify(charts[index])) return;
    described.set(figure, charts[index]);
    showTable(figure);
    const names = hidden.get(figure) ?? readHidden(figure, new Set());
    hidden.set(figure, names);
    const onHide = () => keepHidden(figure, names);
    drawChart(figure, charts[index], { onSelect, hidden: names, onHide }).catch(failed);
  });
}

/**
 * Read from the page's address which series of a figure are hidden.
 *
 * @param {HTMLElement} figure
 * @param {Set<string>} names Is filled with them.
 */
function readHidden(figure, names) {
  const begin = beginOf(figure);
  names.clear();
  for (const each of viewOf().getAll("hide")) if (each.startsWith(begin)) names.add(each.slice(begin.length));
  return names;
}

/**
 * @param {HTMLElement} figure
 * @param {Set<string>} names
 */
function keepHidden(figure, names) {
  const begin = beginOf(figure);
  const others = viewOf()
    .getAll("hide")
    .filter((each) => !each.startsWith(begin));
  const all = [...others, ...[...names].map((name) => `${begin}${name}`)];
  keepView(
    (name) => name === "hide",
    all.map((each) => ["hide", each]),
  );
}

/** @param {HTMLElement} figure */
function beginOf(figure) {
  return `${partOf(figure)}${figure.dataset.title}: `;
}

/** @param {Chart | ParallelChart} chart */
function figureOf(chart) {
  const figure = el(
    "figure",
    { class: `drawn ${"axes" in chart ? "parallel" : chart.topic}`, "data-title": chart.title },
    el("figcaption", {}, chart.title),
  );
  if (!("axes" in chart)) {
    const details = el("details", { class: "data" }, el("summary", {}, "Show as a table"), el("div"));
    details.addEventListener("toggle", () => showTable(figure));
    figure.append(details);
  }
  return figure;
}

/** @param {HTMLElement} figure */
function showTable(figure) {
  const details = figure.querySelector("details");
  const chart = described.get(figure);
  if (!details?.open || !chart || "axes" in chart) return;
  const columns = [{ title: "Series" }, { title: chart.x.title || "x", number: true }];
  if (!chart.y.rows?.length) columns.push({ title: chart.y.title || "y", number: true });
  const rows = chart.series
    .filter(({ kind }) => kind !== "steps")
    .flatMap(({ name, points }) =>
      points.map(({ x, y, words }) => {
        /** @type {Child[]} */
        const cells = [name, significant(x)];
        if (!chart.y.rows?.length) cells.push(significant(y));
        return [...cells, words ?? ""];
      }),
    );
  fill(
    /** @type {HTMLElement} */ (details.lastElementChild),
    table(`${partOf(figure)}${chart.title}, as a table`, [...columns, { title: "Point" }], rows),
  );
}

/**
 * Return the name of the part of the page that a figure is in, since charts of several parts have the same titles.
 *
 * @param {HTMLElement} figure
 */
function partOf(figure) {
  const part = figure.closest("article, section[aria-label]");
  const name = part?.getAttribute("aria-label") ?? part?.querySelector("h3")?.textContent;
  return name ? `${name}: ` : "";
}
