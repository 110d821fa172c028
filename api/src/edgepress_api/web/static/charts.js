/**
 * Draws charts that the API describes, with Apache ECharts: on the dashboard, and in a report's file, in which this script
 * is joined with those that it imports (`web/report_scripts.py`).
 *
 * Each chart has a legend of buttons, and can be read by keyboard: arrows go from point to point, + and - zoom, 0 shows all.
 *
 * @import { Chart, ParallelChart } from "../types.js"
 * @import { ECharts } from "echarts/core"
 * @import { Look } from "./chart_options.js"
 * @typedef {{draw: () => void, described: Chart | ParallelChart, hidden: Set<string>, onHide?: () => void}} Drawn
 * @typedef {object} Options
 * @property {(names: string[] | null) => void} [onSelect] Called with the names of the lines that are selected on axes of
 *   parallel coordinates; null if all are.
 * @property {Set<string>} [hidden] Names of the series that are hidden.
 * @property {() => void} [onHide] Called when the user has hidden or shown a series.
 */

import { chartOption, parallelOption } from "./chart_options.js";
import { el } from "./dom.js";

const LIBRARY = "./echarts.js";
const KEYS = "Arrow keys read the points, + and - zoom, 0 shows all.";
const ROW_HEIGHT = 17;

/** @type {WeakMap<Element, Drawn>} */
const drawn = new WeakMap();
/** @type {Set<Element>} */
const figures = new Set();

// ECharts empties elements by assigning "" to innerHTML. Nothing else can be assigned.
globalThis.trustedTypes?.createPolicy("default", { createHTML: (text) => (text === "" ? "" : null) });

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const figure of figures) {
    if (figure.isConnected) drawn.get(figure)?.draw();
    else figures.delete(figure);
  }
});

/**
 * Draw a chart in a figure. A figure that has one shows the new one, with the same series hidden.
 *
 * @param {HTMLElement} figure
 * @param {Chart | ParallelChart} described
 * @param {Options} [options]
 */
export async function drawChart(figure, described, { onSelect, hidden = new Set(), onHide } = {}) {
  const known = drawn.get(figure);
  if (known) {
    known.described = described;
    known.draw();
    return;
  }
  /** @type {Drawn} */
  const state = { described, hidden, onHide, draw: () => {} };
  drawn.set(figure, state);
  const place = placeIn(figure, described);
  if (!globalThis.echarts) await import(LIBRARY);
  const chart = /** @type {NonNullable<typeof globalThis.echarts>} */ (globalThis.echarts).init(place, null, {
    renderer: "svg",
  });
  state.draw = () => redraw(figure, place, chart, state);
  figures.add(figure);
  state.draw();
  new ResizeObserver(() => chart.resize()).observe(place);
  if ("axes" in described) chart.on("axisareaselected", () => onSelect?.(selectedOf(chart, state)));
  else readByKeyboard(figure, place, chart, state);
}

/**
 * @param {HTMLElement} figure
 * @param {Chart | ParallelChart} described
 */
function placeIn(figure, described) {
  const isParallel = "axes" in described;
  const place = el("div", {
    class: `live${isParallel ? " parallel" : ""}`,
    tabindex: 0,
    role: "application",
    "aria-roledescription": "chart",
  });
  const said = el("p", { class: "said small soft", "aria-live": "polite" });
  figure.querySelector("figcaption")?.after(el("p", { class: "keys legend" }), place, said);
  figure.classList.add("is-live");
  return place;
}

/**
 * @param {HTMLElement} figure
 * @param {HTMLElement} place
 * @param {ECharts} chart
 * @param {Drawn} state
 */
function redraw(figure, place, chart, state) {
  const { described, hidden } = state;
  const look = lookOf(figure);
  const isParallel = "axes" in described;
  place.style.height = `${isParallel ? 360 : heightOf(described)}px`;
  place.setAttribute("aria-label", `${described.summary}. ${isParallel ? "" : KEYS}`);
  chart.resize();
  chart.setOption(isParallel ? parallelOption(described, look) : chartOption(described, look, hidden), true);
  if (!isParallel) showLegend(figure, state, look);
}

/** @param {Chart} chart */
function heightOf({ topic, y }) {
  if (y.rows?.length) return 64 + ROW_HEIGHT * y.rows.length;
  return topic === "training" ? 220 : 320;
}

/**
 * Read the colours of the style sheet, which differ between light and dark.
 *
 * @param {HTMLElement} figure
 * @returns {Look}
 */
function lookOf(figure) {
  const probe = figure.appendChild(el("span"));
  /** @param {string} property */
  const read = (property) => getComputedStyle(probe).getPropertyValue(property).trim();
  /** @type {Record<string, string>} */
  const colours = { "": "" };
  const { described } = /** @type {Drawn} */ (drawn.get(figure));
  for (const { colour } of "axes" in described ? described.lines : described.series) {
    if (colour in colours) continue;
    probe.className = colour;
    colours[colour] = read("--m");
  }
  const [ink, soft, line, paper] = ["--ink", "--soft", "--line", "--paper"].map(read);
  probe.remove();
  return { ink, soft, line, paper, of: (name) => colours[name] };
}

/**
 * @param {HTMLElement} figure
 * @param {Drawn} state
 * @param {Look} look
 */
function showLegend(figure, state, look) {
  const { series } = /** @type {Chart} */ (state.described);
  const legend = /** @type {HTMLElement} */ (figure.querySelector(".legend"));
  const focused = legend.contains(document.activeElement) ? document.activeElement?.textContent : null;
  const buttons = series.map(({ name, colour }) => {
    const onclick = () => {
      if (!state.hidden.delete(name)) state.hidden.add(name);
      state.draw();
      state.onHide?.();
    };
    const swatch = el("span", { class: "swatch", style: `background: ${look.of(colour)}` });
    const pressed = String(!state.hidden.has(name));
    return el("button", { type: "button", class: "key-of", "aria-pressed": pressed, onclick }, swatch, name);
  });
  legend.replaceChildren(...(series.length > 1 ? buttons : []));
  buttons.find((each) => each.textContent === focused)?.focus();
}

/**
 * @param {ECharts} chart
 * @param {Drawn} state
 */
function selectedOf(chart, { described }) {
  const { lines } = /** @type {ParallelChart} */ (described);
  // The documented way to know what is brushed; the types do not have it.
  /** @type {any} */
  const untyped = chart;
  /** @type {number[]} */
  const active = untyped.getModel().getSeries()[0].getRawIndicesByActiveState("active");
  const isAll = active.length === 0 || active.length === lines.length;
  return isAll ? null : active.map((index) => lines[index].name);
}

/**
 * @param {HTMLElement} figure
 * @param {HTMLElement} place
 * @param {ECharts} chart
 * @param {Drawn} state
 */
function readByKeyboard(figure, place, chart, state) {
  const said = /** @type {HTMLElement} */ (figure.querySelector(".said"));
  let position = -1;
  place.addEventListener("keydown", (event) => {
    const { series } = /** @type {Chart} */ (state.described);
    const shown = series.filter(({ name, kind }) => kind !== "steps" && !state.hidden.has(name));
    const points = shown.flatMap(({ name, points: all }) =>
      all.map((point, dataIndex) => ({ name, point, dataIndex })),
    );
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const factor = { "+": 0.5, "-": 2, 0: Infinity }[event.key];
    if (step && points.length) {
      position = (position + step + points.length) % points.length;
      const { name, point, dataIndex } = points[position];
      said.textContent = point.words ?? "";
      chart.dispatchAction({ type: "showTip", seriesIndex: indexOf(chart, name), dataIndex });
    } else if (factor) zoom(chart, factor);
    else if (event.key === "Escape") chart.dispatchAction({ type: "hideTip" });
    else return;
    event.preventDefault();
  });
}

/**
 * @param {ECharts} chart
 * @param {string} name
 */
function indexOf(chart, name) {
  const { series } = /** @type {{series: {name?: string}[]}} */ (chart.getOption());
  return series.findIndex((each) => each.name === name);
}

/**
 * @param {ECharts} chart
 * @param {number} factor Of the range that is shown.
 */
function zoom(chart, factor) {
  const { dataZoom } = /** @type {{dataZoom: {start: number, end: number}[]}} */ (chart.getOption());
  dataZoom.forEach(({ start, end }, dataZoomIndex) => {
    const [middle, half] = [(start + end) / 2, Math.min(50, (factor * (end - start)) / 2)];
    const from = Math.max(0, Math.min(100 - 2 * half, middle - half));
    chart.dispatchAction({ type: "dataZoom", dataZoomIndex, start: from, end: from + 2 * half });
  });
}

// In a report, each figure has the description of its chart, which is drawn when it comes into view.
const watch = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const description = target.querySelector("script[type='application/json']")?.textContent;
      if (!isIntersecting || !description || !(target instanceof HTMLElement)) continue;
      watch.unobserve(target);
      drawChart(target, JSON.parse(description)).catch(console.error);
    }
  },
  { rootMargin: "300px" },
);
for (const figure of document.querySelectorAll("figure.drawn")) watch.observe(figure);
