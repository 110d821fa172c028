/** Scales of the axes of charts. */

/**
 * Return round limits around the values, and about five ticks between them with the digits that they need.
 *
 * @param {number[]} values
 */
export function scale(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const spread = most - least;
  const rough = spread > 1e-6 * Math.abs(most) ? spread / 5 : Math.abs(most) / 50 || 0.1; // equal values have an axis, too
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? 10 * power;
  const low = Math.floor(least / step) * step;
  const high = Math.max(Math.ceil(most / step) * step, low + step);
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, index) => low + index * step);
  return { low, high, ticks, digits: Math.max(0, -Math.floor(Math.log10(step))) };
}

/**
 * Return limits of a logarithmic scale around the values, and its ticks: 1, 2 and 5 of each power of ten, or 1 alone where
 * those would be too many.
 *
 * @param {number[]} values All above 0.
 */
export function logScale(values) {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.floor(Math.log10(Math.max(...values)));
  const powers = Array.from({ length: last - first + 2 }, (_, index) => first + index);
  const steps = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  const low = Math.max(...steps.filter((each) => each <= Math.min(...values)));
  const high = Math.min(...steps.filter((each) => each >= Math.max(...values) && each > low));
  const between = steps.filter((each) => each >= low && each <= high);
  const ticks = between.length > 7 ? between.filter((each) => Number.isInteger(Math.log10(each))) : between;
  return { low, high, ticks };
}
