/**
 * Draws a plan as a graph, from left to right.
 *
 * 1. A step is in the column after the last of its inputs.
 * 2. The parent of a step is the step of its model (or else its teacher, or the pack). Steps and parents form a tree. Each
 *    leaf has a line, in the order of the plan; an inner node is on the line of its first child.
 * 3. Only the edge to the parent is drawn, since every step also reads the pack.
 *
 * The page lists the same steps in words, so screen readers skip the drawing.
 *
 * @import { PlannedStep } from "../types.js"
 * @typedef {{column: number, line: number}} Place
 */

import { svg } from "./dom.js";

const COLUMN = 150;
const LINE = 34;
const WIDTH = 126;
const HEIGHT = 26;
const LONGEST = 18; // characters that fit into a box

/**
 * Return the place of each step, by its key.
 *
 * @param {PlannedStep[]} steps
 */
export function layout(steps) {
  const parents = Object.fromEntries(steps.map((step) => [step.key, parentOf(step)]));
  /** @type {Record<string, number>} */
  const columns = {};
  for (const step of steps) {
    const before = Object.values(step.inputs ?? {}).map((key) => columns[key] ?? 0);
    columns[step.key] = before.length ? Math.max(...before) + 1 : 0;
  }
  const children = Object.groupBy(steps, (step) => parents[step.key] ?? "");
  /** @type {Record<string, Place>} */
  const places = {};
  let line = 0;
  /** @param {string} key */
  const place = (key) => {
    const start = line;
    for (const child of children[key] ?? []) place(child.key);
    if (line === start) line += 1;
    places[key] = { column: columns[key], line: start };
  };
  for (const root of children[""] ?? []) place(root.key);
  return places;
}

/**
 * Draw the graph.
 *
 * @param {PlannedStep[]} steps
 * @param {object} options
 * @param {(key: string) => string} options.stateOf Returns the state that a step is marked with.
 * @param {((key: string) => void) | null} [options.choose] Is called with the step that is clicked.
 */
export function drawGraph(steps, { stateOf, choose = null }) {
  const places = layout(steps);
  const lines = 1 + Math.max(0, ...Object.values(places).map(({ line }) => line));
  const columns = 1 + Math.max(0, ...Object.values(places).map(({ column }) => column));
  const [width, height] = [columns * COLUMN - (COLUMN - WIDTH) + 2, lines * LINE];
  const edges = steps.flatMap((step) => edgesOf(step, places));
  const nodes = steps.map((step) => node(step, places[step.key], stateOf(step.key), choose));
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, class: "plan", "aria-hidden": "true" },
    edges,
    nodes,
  );
}

/**
 * @param {PlannedStep} step
 * @returns {string | null}
 */
function parentOf({ inputs = {} }) {
  return inputs.model ?? inputs.teacher ?? inputs.pack ?? null;
}

/**
 * @param {PlannedStep} step
 * @param {Record<string, Place>} places
 */
function edgesOf(step, places) {
  const source = parentOf(step);
  if (source === null) return [];
  const [from, to] = [places[source], places[step.key]];
  const [x1, y1] = [from.column * COLUMN + WIDTH, from.line * LINE + HEIGHT / 2 + 1];
  const [x2, y2] = [to.column * COLUMN, to.line * LINE + HEIGHT / 2 + 1];
  const middle = x1 + (COLUMN - WIDTH) / 2;
  return [svg("path", { class: "edge", d: `M${x1},${y1} H${middle} V${y2} H${x2}` })];
}

/**
 * @param {PlannedStep} step
 * @param {Place} place
 * @param {string} state
 * @param {((key: string) => void) | null} choose
 */
function node({ key, title }, { column, line }, state, choose) {
  const shown = title.length > LONGEST ? `${title.slice(0, LONGEST - 1)}…` : title;
  return svg(
    "g",
    {
      class: `node ${state}${choose ? " can-be-chosen" : ""}`,
      "data-step": key,
      onclick: choose && (() => choose(key)),
    },
    svg("title", {}, `${title}: ${state.replaceAll("_", " ")}`),
    svg("rect", { x: column * COLUMN + 1, y: line * LINE + 1, width: WIDTH, height: HEIGHT, rx: 5 }),
    svg("circle", { cx: column * COLUMN + 13, cy: line * LINE + 1 + HEIGHT / 2, r: 4 }),
    svg("text", { x: column * COLUMN + 23, y: line * LINE + HEIGHT / 2 + 5 }, shown),
  );
}
