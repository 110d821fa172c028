/** Figures as people read them; the same as in a report (`edgepress_api.report.words`). */

const MONTH_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const STATES = ["queued", "running", "succeeded", "partly_succeeded", "failed", "cancelled"];
export const UNDER_WAY = new Set(["queued", "running"]);
export const CRITERIA = { accuracy: "accuracy", latency: "time", size: "size", zip: "zipped size" };
export const METHODS = { weighted_sum: "Weighted sum", topsis: "TOPSIS", ahp: "AHP" };
export const PURPOSES = {
  best_all_round: "Best all round",
  smallest_to_send: "Smallest to send",
  fastest_to_run: "Fastest to run",
  most_accurate: "Most accurate",
};

/** `0.94567` as `94.57 %`. */
export function percent(share, digits = 2) {
  return `${(100 * share).toFixed(digits)} %`;
}

/** `11742208` as `11.7 MB`. */
export function size(bytes) {
  let amount = bytes;
  for (const unit of ["B", "kB", "MB"]) {
    if (amount < 1000) return unit === "B" ? `${amount} B` : `${threeDigits(amount)} ${unit}`;
    amount /= 1000;
  }
  return `${threeDigits(amount)} GB`;
}

/** Three digits that count, of a time in milliseconds; a dash for none. */
export function milliseconds(value) {
  return value === null || value === undefined ? "-" : threeDigits(value);
}

/** The same in microseconds. */
export function microseconds(value) {
  return threeDigits(1000 * value);
}

/** `93` as `1 min 33 s`. */
export function duration(seconds) {
  if (seconds < 60) return `${threeDigits(seconds)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds) % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `3.98` as `3.98×`. */
export function times(ratio) {
  return ratio === null || ratio === undefined ? "-" : `${threeDigits(ratio)}×`;
}

/** A moment where the reader is; a dash for none. */
export function moment(text) {
  return text ? MONTH_DAY.format(new Date(text)) : "-";
}

/** The time of day of a moment where the reader is, to the second. */
export function clock(text) {
  return CLOCK.format(new Date(text));
}

/** `partly_succeeded` as `partly succeeded`. */
export function spaced(name) {
  return name.replaceAll("_", " ");
}

/** `1 step`, `2 steps`. */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function threeDigits(value) {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
