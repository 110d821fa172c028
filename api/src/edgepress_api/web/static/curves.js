/** Training curves: accuracy and loss over epochs, in training and validation; like those of a report. */

import { el, svg } from "./dom.js";

const WIDTH = 320;
const HEIGHT = 150;

/** Both drawings of a training of so many epochs, of which these are done. */
export function drawCurves(epochs, planned) {
  const series = (one, other) => [
    { name: "training", values: epochs.map((epoch) => epoch[one]) },
    { name: "validation", values: epochs.map((epoch) => epoch[other]) },
  ];
  return el(
    "div",
    { class: "charts" },
    drawn("Accuracy", series("accuracy", "val_accuracy"), planned),
    drawn("Loss", series("loss", "val_loss"), planned),
  );
}

function drawn(title, lines, planned) {
  const values = lines.flatMap((line) => line.values).filter(Number.isFinite);
  const { low, high, step } = scale(values.length ? values : [0]);
  const last = Math.max(planned, lines[0].values.length, 2) - 1;
  const y = (value) => HEIGHT * (1 - (value - low) / (high - low));
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, index) => low + index * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const final = lines.map((line) => `${line.name} ${line.values.at(-1)?.toFixed(3)}`).join(", ");
  return el(
    "figure",
    {},
    svg(
      "svg",
      { viewBox: `-36 -8 ${WIDTH + 46} ${HEIGHT + 28}`, role: "img", "aria-label": `${title} over ${lines[0].values.length} epochs; at last ${final}` },
      ticks.map((tick) => [
        svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: y(tick), y2: y(tick) }),
        svg("text", { x: -6, y: y(tick) + 3, "text-anchor": "end" }, tick.toFixed(digits)),
      ]),
      svg("text", { x: 0, y: HEIGHT + 14 }, "1"),
      svg("text", { x: WIDTH, y: HEIGHT + 14, "text-anchor": "end" }, `epoch ${last + 1}`),
      lines.map((line) => {
        const points = line.values.map((value, index) => [(WIDTH * index) / last, y(value)]).filter(([, at]) => Number.isFinite(at));
        const end = points.at(-1);
        return [
          svg("polyline", { class: `curve ${line.name}`, points: points.map((point) => point.map((each) => each.toFixed(1)).join(",")).join(" ") }),
          end && svg("circle", { class: `dot ${line.name}`, cx: end[0], cy: end[1], r: 2.5 }),
        ];
      }),
    ),
    el("figcaption", {}, title),
  );
}

/** Round figures around the values, some five steps between them. */
function scale(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const rough = Math.max((most - least) / 5, 1e-6);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const low = Math.floor(least / step) * step;
  return { low, high: Math.max(Math.ceil(most / step) * step, low + step), step };
}
