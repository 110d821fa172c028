/**
 * Draws training curves like those of a report: accuracy and loss over epochs, in training and validation.
 *
 * @import { Metrics } from "../types.js"
 * @typedef {{name: string, values: number[]}} Line
 */

import { el, svg } from "./dom.js";
import { scale } from "./scale.js";

const WIDTH = 320;
const HEIGHT = 150;

/**
 * Draw the curves of a training.
 *
 * @param {Metrics[]} epochs Metrics of the epochs that have finished.
 * @param {number} planned How many epochs the training has.
 */
export function drawCurves(epochs, planned) {
  /**
   * @param {string} one
   * @param {string} other
   */
  const series = (one, other) => [
    { name: "training", values: epochs.map((epoch) => epoch[one] ?? NaN) },
    { name: "validation", values: epochs.map((epoch) => epoch[other] ?? NaN) },
  ];
  return el(
    "div",
    { class: "charts" },
    drawn("Accuracy", series("accuracy", "val_accuracy"), planned),
    drawn("Loss", series("loss", "val_loss"), planned),
  );
}

/**
 * @param {string} title
 * @param {Line[]} lines
 * @param {number} planned
 */
function drawn(title, lines, planned) {
  const values = lines.flatMap((line) => line.values).filter(Number.isFinite);
  const { low, high, digits, ticks } = scale(values.length ? values : [0]);
  const last = Math.max(planned, lines[0].values.length, 2) - 1;
  /** @param {number} value */
  const y = (value) => HEIGHT * (1 - (value - low) / (high - low));
  const final = lines.map((line) => `${line.name} ${line.values.at(-1)?.toFixed(3)}`).join(", ");
  return el(
    "figure",
    {},
    svg(
      "svg",
      {
        viewBox: `-36 -8 ${WIDTH + 46} ${HEIGHT + 28}`,
        role: "img",
        "aria-label": `${title} over ${lines[0].values.length} epochs; final ${final}`,
      },
      ticks.map((tick) => [
        svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: y(tick), y2: y(tick) }),
        svg("text", { x: -6, y: y(tick) + 3, "text-anchor": "end" }, tick.toFixed(digits)),
      ]),
      svg("text", { x: 0, y: HEIGHT + 14 }, "1"),
      svg("text", { x: WIDTH, y: HEIGHT + 14, "text-anchor": "end" }, `epoch ${last + 1}`),
      lines.map((line) => {
        const points = line.values
          .map((value, index) => [(WIDTH * index) / last, y(value)])
          .filter(([, height]) => Number.isFinite(height));
        const end = points.at(-1);
        return [
          svg("polyline", {
            class: `curve ${line.name}`,
            points: points.map((point) => point.map((each) => each.toFixed(1)).join(",")).join(" "),
          }),
          end && svg("circle", { class: `dot ${line.name}`, cx: end[0], cy: end[1], r: 2.5 }),
        ];
      }),
    ),
    el("figcaption", {}, title),
  );
}
