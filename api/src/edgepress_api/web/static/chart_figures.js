/**
 * Makes the figures of charts on the dashboard: a title, the chart, and its points as a table.
 *
 * @import { Chart, Child, ParallelChart } from "../types.js"
 */

import { failed } from "./api.js";
import { drawChart } from "./charts.js";
import { el, fill, table } from "./dom.js";
import { significant } from "./words.js";

/** @type {WeakMap<Element, Chart | ParallelChart>} */
const described = new WeakMap();

/**
 * Show charts in an element. A figure of a chart with the same title is kept, with the series that the user has hidden.
 *
 * @param {HTMLElement} place
 * @param {(Chart | ParallelChart)[]} charts
 * @param {(names: string[] | null) => void} [onSelect] See `drawChart`.
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
    drawChart(figure, charts[index], onSelect).catch(failed);
  });
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
