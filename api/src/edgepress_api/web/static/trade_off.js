/**
 * Draws the accuracy of files against each other criterion, with the Pareto fronts.
 *
 * @import { DeviceRecommendation } from "../types.js"
 * @typedef {DeviceRecommendation["reference"]} Choice
 * @import { CriterionFigure } from "./figures.js"
 */

import { el, svg } from "./dom.js";
import { bare, numberAt } from "./figures.js";
import { logScale, scale } from "./scale.js";
import { nameOf } from "./words.js";

const WIDTH = 320;
const HEIGHT = 170;

/**
 * Draw the charts of a device. A chart needs two files.
 *
 * @param {DeviceRecommendation} device
 * @param {CriterionFigure[]} figures
 */
export function tradeOffs(device, figures) {
  const charts = figures.map((figure) => chart(device, figure)).filter((each) => each !== null);
  return charts.length > 0 && el("div", { class: "charts" }, charts);
}

/**
 * @param {DeviceRecommendation} device
 * @param {CriterionFigure} figure
 */
function chart({ device, candidates, fronts }, figure) {
  const { criterion, per_bare: scaling, bare_unit: unit } = figure;
  const front = fronts.find((each) => each.against === criterion.name);
  const files = candidates.flatMap((file) => {
    const amount = (numberAt(file, criterion.field) ?? 0) / scaling;
    return amount <= 0 ? [] : [{ file, amount, accuracy: 100 * file.accuracy }];
  });
  if (!front || files.length < 2) return null;
  const title = `Accuracy against ${criterion.title}`;
  const across = logScale(files.map((each) => each.amount));
  const up = scale(files.map((each) => each.accuracy));
  /** @param {number} amount */
  const x = (amount) => (WIDTH * Math.log(amount / across.low)) / Math.log(across.high / across.low);
  /** @param {number} accuracy */
  const y = (accuracy) => HEIGHT * (1 - (accuracy - up.low) / (up.high - up.low));
  const onFront = files.filter(({ file }) => front.members.some((each) => isSameFile(each, file)));
  const line = onFront.sort((one, other) => one.amount - other.amount);
  const label = `${title} of ${files.length} files on ${device}; ${line.length} are on the Pareto front`;
  return el(
    "figure",
    {},
    svg(
      "svg",
      { viewBox: `-40 -8 ${WIDTH + 60} ${HEIGHT + 28}`, role: "img", "aria-label": label },
      up.ticks.map((tick) => [
        svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: y(tick), y2: y(tick) }),
        svg("text", { x: -6, y: y(tick) + 3, "text-anchor": "end" }, tick.toFixed(up.digits)),
      ]),
      across.ticks.map((tick) => svg("text", { x: x(tick), y: HEIGHT + 14, "text-anchor": "middle" }, String(tick))),
      svg("polyline", {
        class: "front",
        points: line.map((each) => `${x(each.amount)},${y(each.accuracy)}`).join(" "),
      }),
      files.map(({ file, amount, accuracy }) =>
        svg(
          "circle",
          {
            class: `file${file.standing ? "" : " out"}`,
            cx: x(amount),
            cy: y(accuracy),
            r: file.standing?.place === 1 ? 6 : 4,
          },
          svg("title", {}, `${nameOf(file)}: ${accuracy.toFixed(2)} %, ${bare(figure, amount * scaling)} ${unit}`),
        ),
      ),
    ),
    el("figcaption", {}, `${title} (${["%", unit].filter(Boolean).join(", ")} on a logarithmic scale)`),
  );
}

/**
 * Return whether two choices are the same measured file.
 *
 * @param {Choice} one
 * @param {Choice} other
 */
export function isSameFile(one, other) {
  /** @param {Choice} each */
  const key = (each) => [each.pipeline, each.export, each.threads, each.model_sha256].join(" ");
  return key(one) === key(other);
}
