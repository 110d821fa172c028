/**
 * Translates charts that the API describes into options of Apache ECharts.
 *
 * @import { Chart, ChartPoint, ChartSeries, ParallelChart } from "../types.js"
 * @import { EChartsCoreOption } from "echarts/core"
 * @typedef {{ink: string, soft: string, line: string, paper: string, of: (name: string) => string}} Look Colours of the page.
 */

const WRAP = 56; // characters of a line of a tooltip
const MOST_SYMBOLS = 60; // a line of more points has none

/**
 * Return the options of a chart with two axes.
 *
 * @param {Chart} chart
 * @param {Look} look
 * @param {Set<string>} hidden Names of series.
 * @returns {EChartsCoreOption}
 */
export function chartOption({ x, y, series }, look, hidden) {
  const shown = series.filter(({ name }) => !hidden.has(name));
  const hasRows = Boolean(y.rows?.length);
  const isCurve = series.some((each) => each.kind === "line");
  const zoom = {
    type: "inside",
    filterMode: "none",
    zoomOnMouseWheel: "ctrl",
    disabled: matchMedia("(pointer: coarse)").matches,
  };
  const points = series.flatMap((each) => each.points);
  const across = points.flatMap((each) => (each.spread ? [each.spread.low, each.spread.high] : [each.x]));
  return {
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    grid: { left: 4, right: hasRows ? 84 : 16, top: 26, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "all" },
    tooltip: tooltip(look, isCurve),
    xAxis: { ...axis(x, look, across), nameLocation: "middle", nameGap: 26 },
    yAxis: {
      ...axis(
        y,
        look,
        points.map((each) => each.y),
      ),
      nameTextStyle: { align: "left", color: look.soft },
    },
    dataZoom: [{ ...zoom, xAxisIndex: 0 }, ...(hasRows ? [] : [{ ...zoom, yAxisIndex: 0 }])],
    series: shown.flatMap((each) => drawSeries(each, look, sideOf(x, across))),
  };
}

/**
 * @param {Look} look
 * @param {boolean} isCurve
 */
function tooltip(look, isCurve) {
  return {
    trigger: isCurve ? "axis" : "item",
    renderMode: "richText", // an HTML tooltip would be made from text
    confine: true,
    backgroundColor: look.paper,
    borderColor: look.soft,
    textStyle: { color: look.ink, fontSize: 12 },
    /** @param {{data: any} | {data: any}[]} shown */
    formatter: (shown) =>
      [shown]
        .flat()
        .map(({ data }) => wrapped(data.words))
        .filter(Boolean)
        .join("\n"),
  };
}

/** @param {string | undefined} text */
function wrapped(text) {
  const lines = [""];
  for (const word of (text ?? "").split(" ")) {
    if (`${lines.at(-1)} ${word}`.length > WRAP) lines.push(word);
    else lines.push(`${lines.pop()} ${word}`.trimStart());
  }
  return lines.join("\n");
}

/**
 * @param {Chart["x"]} described
 * @param {Look} look
 * @param {number[]} values
 */
function axis({ title, is_log: isLog, rows, is_labelled: isLabelled, ends }, look, values) {
  const common = {
    name: title,
    nameTextStyle: { color: look.soft },
    axisLine: { lineStyle: { color: look.line } },
    axisTick: { show: false },
    axisLabel: { color: look.soft, fontSize: 11, hideOverlap: true },
    splitLine: { lineStyle: { color: look.line } },
  };
  if (rows?.length) {
    const label = { ...common.axisLabel, show: isLabelled !== false, interval: 0, hideOverlap: false };
    return { ...common, type: "category", data: rows, inverse: true, axisLabel: label, splitLine: { show: false } };
  }
  const minInterval = title === "epoch" ? 1 : undefined;
  if (!isLog) return { ...common, type: "value", scale: true, min: ends?.[0], max: ends?.[1], minInterval };
  const { low, high, ticks } = logTicks(values);
  const label = { ...common.axisLabel, customValues: ticks, formatter: (/** @type {number} */ value) => String(value) };
  const marks = { show: true, customValues: ticks, lineStyle: { color: look.line } };
  return { ...common, type: "log", min: low, max: high, axisLabel: label, axisTick: marks, splitLine: { show: false } };
}

/**
 * Return 1, 2 and 5 of each power of ten around the values; only 1 if these would be too many.
 *
 * @param {number[]} values
 */
function logTicks(values) {
  const positive = values.filter((each) => each > 0);
  const [least, most] = positive.length ? [Math.min(...positive), Math.max(...positive)] : [1, 10];
  const first = Math.floor(Math.log10(least));
  const powers = Array.from({ length: Math.ceil(Math.log10(most)) - first + 2 }, (_, index) => first + index);
  const steps = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  const low = Math.max(...steps.filter((each) => each <= least * 1.000001));
  const high = Math.min(...steps.filter((each) => each >= most * 0.999999 && each > low));
  const between = steps.filter((each) => each >= low && each <= high);
  const ticks = between.length > 7 ? between.filter((each) => Number.isInteger(Math.log10(each))) : between;
  return { low, high, ticks };
}

/**
 * Return on which side of a point its label has more space.
 *
 * @param {Chart["x"]} axis
 * @param {number[]} values All values on the axis.
 * @returns {(x: number) => "left" | "right"}
 */
function sideOf({ is_log: isLog }, values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const middle = isLog ? Math.sqrt(least * most) : (least + most) / 2;
  return (x) => (x > middle ? "left" : "right");
}

/**
 * @param {ChartSeries} series
 * @param {Look} look
 * @param {ReturnType<typeof sideOf>} side
 * @returns {object[]}
 */
function drawSeries({ name, kind, colour, points }, look, side) {
  const color = look.of(colour);
  const data = points.map((point) => ({ value: [point.x, point.y], words: point.words }));
  const common = { name, color, data };
  switch (kind) {
    case "line":
      return [{ ...common, type: "line", symbolSize: 5, showSymbol: points.length <= MOST_SYMBOLS }];
    case "steps": {
      const lineStyle = { type: "dashed", width: 1.3 };
      return [
        { ...common, type: "line", step: "end", symbol: "none", lineStyle, silent: true, tooltip: { show: false } },
      ];
    }
    case "bars": {
      const labels = points.map((point, index) => ({ ...data[index], label: labelOf(point, look, "right") }));
      return [{ ...common, data: labels, type: "bar", barGap: "-100%", barMaxWidth: 11, clip: false }];
    }
    case "spreads":
      return [
        {
          ...common,
          data: points.map(({ x, y, words, spread }) => ({
            value: [x, y, spread?.low ?? x, spread?.high ?? x],
            words,
          })),
          type: "custom",
          encode: { x: [0, 2, 3], y: 1 }, // the axis shows the whiskers as well
          renderItem: spreadShape(points, color),
        },
      ];
    default:
      return scattered({ name, kind, colour, points }, look, side);
  }
}

/**
 * @param {ChartSeries} series
 * @param {Look} look
 * @param {ReturnType<typeof sideOf>} side
 */
function scattered({ name, colour, points }, look, side) {
  const color = look.of(colour);
  const data = points.map((point) => ({
    value: [point.x, point.y],
    words: point.words,
    symbol: point.mark ? `path://${point.mark}` : "circle",
    itemStyle: { opacity: point.is_faint ? 0.3 : 1, borderColor: look.paper, borderWidth: 0.7 },
    label: labelOf(point, look, side(point.x)),
  }));
  const rings = points.filter((point) => point.is_ringed).map(({ x, y }) => [x, y]);
  const ring = { color: "transparent", borderColor: look.ink, borderWidth: 1.6 };
  const labels = { labelLayout: { hideOverlap: true, moveOverlap: "shiftY", dy: -9 } };
  return [
    { name, color, data, type: "scatter", symbolSize: 10, ...labels },
    ...(rings.length
      ? [{ data: rings, type: "scatter", symbol: "circle", symbolSize: 18, itemStyle: ring, silent: true }]
      : []),
  ];
}

/**
 * @param {ChartPoint} point
 * @param {Look} look
 * @param {string} position
 */
function labelOf({ label }, look, position) {
  if (!label) return { show: false };
  const halo = { textBorderColor: look.paper, textBorderWidth: 3 };
  return { show: true, position, formatter: () => label, color: look.ink, fontSize: 11, lineHeight: 16, ...halo };
}

/**
 * Return what draws a whisker, and on it a box and a tick, or a dot.
 *
 * @param {ChartPoint[]} points
 * @param {string} fill
 */
function spreadShape(points, fill) {
  /**
   * @param {{dataIndex: number}} params
   * @param {{coord: (value: number[]) => number[]}} api
   */
  return ({ dataIndex }, api) => {
    const { x, y, spread } = points[dataIndex];
    /** @param {number} value */
    const at = (value) => api.coord([value, y]);
    const [middle, height] = at(x);
    if (!spread) return { type: "circle", shape: { cx: middle, cy: height, r: 3.5 }, style: { fill } };
    const { low, box, tick, high } = spread;
    /**
     * @param {number[]} from
     * @param {number[]} to
     */
    const line = ([x1, y1], [x2, y2]) => ({
      type: "line",
      shape: { x1, y1, x2, y2 },
      style: { stroke: fill, lineWidth: 1.5 },
    });
    const children = [line(at(low), at(high))];
    const beyond = tick ?? NaN;
    if (tick !== undefined && tick !== null) {
      children.push(line([at(beyond)[0], height - 4], [at(beyond)[0], height + 4]));
    }
    const [left, right] = box ? [at(box[0])[0], at(box[1])[0]] : [NaN, NaN];
    const shape = { x: left, y: height - 4, width: Math.max(1.5, right - left), height: 8 };
    const body = box
      ? { type: "rect", shape, style: { fill } }
      : { type: "circle", shape: { cx: middle, cy: height, r: 3.5 }, style: { fill } };
    return { type: "group", children: [...children, body] };
  };
}

/**
 * Return the options of parallel coordinates.
 *
 * @param {ParallelChart} chart
 * @param {Look} look
 * @returns {EChartsCoreOption}
 */
export function parallelOption({ axes, lines }, look) {
  return {
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    tooltip: { ...tooltip(look, false), trigger: "item" },
    parallel: { left: 40, right: 60, top: 40, bottom: 16 },
    parallelAxis: axes.map((each, dim) => {
      const values = lines.flatMap((line) => line.values[dim] ?? []);
      const drawn = axis(each, look, values);
      const axisLabel = { ...drawn.axisLabel, textBorderColor: look.paper, textBorderWidth: 3 };
      return { ...drawn, axisLabel, dim, inverse: false, areaSelectStyle: { width: 22 } };
    }),
    series: [
      {
        type: "parallel",
        inactiveOpacity: 0.06,
        activeOpacity: 0.75,
        data: lines.map(({ name, values, colour }) => ({
          value: values.map((each) => each ?? "-"),
          words: name,
          lineStyle: { color: look.of(colour), width: 1.4 },
        })),
      },
    ],
  };
}
