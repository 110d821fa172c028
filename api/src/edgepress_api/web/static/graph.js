/**
 * Draws a plan as a graph, from left to right.
 *
 * 1. A step stands in the column after the last of those it takes something from.
 * 2. Each step hangs on the one it takes its model from (or its teacher, or the pack): that makes a tree, whose leaves get
 *    a line each in the order of the plan, and whose inner nodes stand beside the first of what hangs on them.
 * 3. What every step takes (the pack) is drawn only where nothing else is taken.
 *
 * The same steps are listed in words beside it, so a screen reader is spared the drawing.
 */

import { svg } from "./dom.js";

const COLUMN = 150;
const LINE = 34;
const WIDTH = 126;
const HEIGHT = 26;
const LONGEST = 18; // characters that fit a box

/** Where each step stands: `{key: {column, line}}`. */
export function layout(steps) {
  const parents = Object.fromEntries(steps.map((step) => [step.key, parentOf(step)]));
  const columns = {};
  for (const step of steps) {
    const before = Object.values(step.inputs).map((key) => columns[key] ?? 0);
    columns[step.key] = before.length ? Math.max(...before) + 1 : 0;
  }
  const children = Object.groupBy(steps, (step) => parents[step.key] ?? "");
  const places = {};
  let line = 0;
  const place = (key) => {
    const start = line;
    for (const child of children[key] ?? []) place(child.key);
    if (line === start) line += 1;
    places[key] = { column: columns[key], line: start };
  };
  for (const root of children[""] ?? []) place(root.key);
  return places;
}

/** The drawing. `stateOf(key)` is what a step is marked by, `choose(key)` is called when one is clicked. */
export function drawGraph(steps, { stateOf, choose = null, titleOf = (step) => step.title }) {
  const places = layout(steps);
  const lines = 1 + Math.max(...Object.values(places).map(({ line }) => line));
  const columns = 1 + Math.max(...Object.values(places).map(({ column }) => column));
  const [width, height] = [columns * COLUMN - (COLUMN - WIDTH) + 2, lines * LINE];
  const edges = steps.flatMap((step) => edgesOf(step, places));
  const nodes = steps.map((step) => node(step, places[step.key], { state: stateOf(step.key), choose, title: titleOf(step) }));
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, class: "plan", "aria-hidden": "true" },
    edges,
    nodes,
  );
}

function parentOf(step) {
  return step.inputs.model ?? step.inputs.teacher ?? step.inputs.pack ?? null;
}

function edgesOf(step, places) {
  const source = parentOf(step);
  if (source === null) return [];
  const [from, to] = [places[source], places[step.key]];
  const [x1, y1] = [from.column * COLUMN + WIDTH, from.line * LINE + HEIGHT / 2 + 1];
  const [x2, y2] = [to.column * COLUMN, to.line * LINE + HEIGHT / 2 + 1];
  const middle = x1 + (COLUMN - WIDTH) / 2;
  return [svg("path", { class: "edge", d: `M${x1},${y1} H${middle} V${y2} H${x2}` })];
}

function node(step, { column, line }, { state, choose, title }) {
  const shown = title.length > LONGEST ? `${title.slice(0, LONGEST - 1)}…` : title;
  return svg(
    "g",
    { class: `node ${state}${choose ? " can-be-chosen" : ""}`, "data-step": step.key, onclick: choose && (() => choose(step.key)) },
    svg("title", {}, `${title}: ${state.replaceAll("_", " ")}`),
    svg("rect", { x: column * COLUMN + 1, y: line * LINE + 1, width: WIDTH, height: HEIGHT, rx: 5 }),
    svg("circle", { cx: column * COLUMN + 13, cy: line * LINE + 1 + HEIGHT / 2, r: 4 }),
    svg("text", { x: column * COLUMN + 23, y: line * LINE + HEIGHT / 2 + 5 }, shown),
  );
}
