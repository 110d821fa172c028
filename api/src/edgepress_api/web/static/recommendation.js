/**
 * Shows which files are recommended. The gateway ranks again when weights or limits change; the job does not run again.
 *
 * @import { Candidate, Chart, Child, DeviceRecommendation, Figures, Recommendation } from "../types.js"
 * @import { CriterionFigure } from "./figures.js"
 */

import { Problem, address, failed, fetchesFile, getJson } from "./api.js";
import { showCharts } from "./chart_figures.js";
import { afterPause, at, el, facts, fill, table } from "./dom.js";
import { insignificant, withExplanations } from "./explained.js";
import { capitalized, shownCriteria, fetchFigures, numberAt, text } from "./figures.js";
import { GoalsForm } from "./goals.js";
import { nameOf, percent } from "./words.js";

const PAUSE_MS = 150;

/** @type {GoalsForm | null} */
let form = null;
let asked = 0;
/** @type {Map<string, Record<Chart["topic"], HTMLElement>>} */
const places = new Map(); // of charts, by device; kept, so that the charts are
/** Parts that the user has opened. */
const unfolded = /** @type {Set<string>} */ (new Set());

/**
 * Show the recommendation of a job, by its own goals or those of the form.
 *
 * @param {string} job
 */
export async function showRecommendation(job) {
  const figures = await fetchFigures();
  form ??= await makeForm(job, figures);
  const number = ++asked;
  try {
    const [found, { charts }] = await Promise.all([
      getJson("/v1/jobs/{job_id}/recommendation", { job_id: job }, form.query()),
      getJson("/v1/jobs/{job_id}/charts", { job_id: job }, form.query()),
    ]);
    if (number !== asked) return; // the form has changed meanwhile
    at("first").textContent = found.devices.map(firstOf).join(" ");
    fill(
      at("decisions"),
      found.devices.map((device) => decision(job, device, figures)),
    );
    fill(
      at("choices"),
      found.devices.map((device) => deviceSection(job, device, found.goals.method, figures, found.devices.length > 1)),
    );
    for (const { device } of found.devices) showDeviceCharts(device, charts);
  } catch (error) {
    if (!(error instanceof Problem) || !complain(form, error)) throw error;
  }
}

/**
 * @param {string} job
 * @param {Figures} figures
 */
async function makeForm(job, figures) {
  const own = await getJson("/v1/jobs/{job_id}/recommendation", { job_id: job });
  const again = afterPause(PAUSE_MS, () => showRecommendation(job).catch(failed));
  return new GoalsForm(at("goals"), figures, own, again);
}

/**
 * @param {GoalsForm} goals
 * @param {Problem} problem
 */
function complain(goals, problem) {
  return problem.errors.some(({ field, message }) => goals.complain(field, message));
}

/** @param {DeviceRecommendation} recommended */
function firstOf({ device, candidates }) {
  const first = candidates.find((each) => each.standing?.place === 1);
  return first ? `First on ${device}: ${nameOf(first)}.` : `No file is within the limits on ${device}.`;
}

/**
 * @param {string} job
 * @param {DeviceRecommendation} device
 * @param {Recommendation["goals"]["method"]} method
 * @param {Figures} figures
 * @param {boolean} several Whether there are several devices.
 */
function deviceSection(job, device, method, figures, several) {
  const caveats = device.cautions.map((caution) => el("li", {}, caution));
  const legend =
    "Accuracy is that on the validation images, by which files are ranked. In the charts, colours show the method and shapes the export, the dashed line is the Pareto front, the ring is its knee, and pale marks exceed a limit. Point at a mark for its figures, click a name to hide its marks, turn the wheel with Ctrl to zoom. “*”: on the Pareto front; no other file is at least as good in every criterion. “~”: the difference to the best accuracy is not statistically significant on these images.";
  const cards = device.purposes.map((purpose) => card(job, purpose, device, figures));
  return el(
    "section",
    { "aria-label": `Files for ${device.device}`, class: "for-device", "data-device": device.device },
    several && el("h3", {}, `Files for ${device.device}`),
    cards.length > 0 && folded(device, "Files for each purpose, and why", el("div", { class: "cards" }, cards)),
    caveats.length > 0 && folded(device, "Caveats", el("ul", { class: "cautions" }, caveats)),
    device.stability &&
      folded(device, "What other weights would change", el("p", { class: "small" }, device.stability.words)),
    chartPlaces(device.device).trade_off,
    folded(
      device,
      `All ${device.candidates.length} files, ranked`,
      ranking(job, device, method, figures),
      el("p", { class: "small soft" }, legend),
    ),
    folded(device, "Latency distributions", scrolled("Latency distributions", chartPlaces(device.device).latency)),
    folded(
      device,
      "All figures of all files",
      scrolled("All figures of all files", chartPlaces(device.device).final_comparison),
    ),
  );
}

/**
 * Create a part that is folded until its user opens it, also when the recommendation is shown again.
 *
 * @param {DeviceRecommendation} device
 * @param {string} title
 * @param {...Child} children
 */
function folded({ device }, title, ...children) {
  const name = `${device} ${title}`;
  const part = el("details", { open: unfolded.has(name) }, el("summary", {}, title), children);
  part.addEventListener("toggle", () => (part.open ? unfolded.add(name) : unfolded.delete(name)));
  return part;
}

/**
 * Create the decision for a device: three sentences, and a table of the first place and the file it is compared with.
 *
 * @param {string} job
 * @param {DeviceRecommendation} device
 * @param {Figures} figures
 */
function decision(job, device, figures) {
  const title = `Recommended for ${device.device}`;
  const emulated = "This device is emulated: its latency is not valid and does not count.";
  const none = "No file is within the limits. The ranking shows the limits that each file exceeds.";
  const first = device.candidates.find((each) => each.standing?.place === 1);
  return el(
    "section",
    { "aria-label": title },
    el("h3", {}, title),
    device.emulated && el("p", { class: "note" }, emulated),
    !first && el("p", { class: "note" }, none),
    (device.summary ?? []).map((sentence) => el("p", { class: "summary" }, withExplanations(sentence))),
    first && [
      decisionTable(job, device, first, figures),
      el(
        "p",
        { class: "row" },
        bundleLink(job, first),
        el("a", { class: "button plain small", href: `${fileAddress(job, first)}/errors` }, "Show its errors"),
      ),
    ],
  );
}

/** @param {string} device */
function chartPlaces(device) {
  const found = places.get(device) ?? {
    trade_off: el("div", { class: "charts" }),
    latency: el("div"),
    final_comparison: el("div", { class: "panels" }),
    training: el("div"),
    search: el("div"),
  };
  places.set(device, found);
  return found;
}

/**
 * @param {string} name
 * @param {HTMLElement} place
 */
function scrolled(name, place) {
  return el("div", { class: "scroll", role: "region", "aria-label": name, tabindex: 0 }, place);
}

/**
 * @param {string} device
 * @param {Chart[]} charts
 */
function showDeviceCharts(device, charts) {
  for (const [topic, place] of Object.entries(chartPlaces(device))) {
    const shown = charts.filter((each) => each.topic === topic && each.device === device && hasPoints(each));
    showCharts(place, shown);
  }
}

/** @param {Chart} chart */
function hasPoints({ series }) {
  return series.some(({ points }) => points.length > 0);
}

/**
 * Return whether two choices are the same measured file.
 *
 * @param {DeviceRecommendation["reference"]} one
 * @param {DeviceRecommendation["reference"]} other
 */
function isSameFile(one, other) {
  /** @param {DeviceRecommendation["reference"]} each */
  const key = (each) => [each.pipeline, each.export, each.threads, each.model_sha256].join(" ");
  return key(one) === key(other);
}

/**
 * @param {string} job
 * @param {DeviceRecommendation} device
 * @param {Candidate} first
 * @param {Figures} figures
 */
function decisionTable(job, { device, candidates, reference }, first, figures) {
  const others = candidates.filter((each) => !isSameModel(each, first));
  const compared = others.find((each) => isSameModel(each, reference)) ?? others[0]; // or the second place
  const files = compared ? [first, compared] : [first];
  const criteria = shownCriteria(figures, files);
  const columns = [{ title: "File" }, ...criteria.map((figure) => ({ title: titleOf(figure), number: true }))];
  const rows = files.map((each) => [
    el("a", { href: fileAddress(job, each) }, nameOf(each)),
    ...criteria.map((figure) => valueOf(each, figure)),
  ]);
  return table(`The first place on ${device}, and what it is compared with`, columns, rows, { className: "decision" });
}

/**
 * Return whether two choices are the same file, with any number of threads.
 *
 * @param {DeviceRecommendation["reference"]} one
 * @param {DeviceRecommendation["reference"]} other
 */
function isSameModel(one, other) {
  return isSameFile({ ...one, threads: 1 }, { ...other, threads: 1 });
}

/**
 * @param {string} job
 * @param {DeviceRecommendation["reference"]} file
 */
function fileAddress(job, { model_sha256: sha256 }) {
  return address(`jobs/${job}/models/${sha256}`);
}

/**
 * @param {string} job
 * @param {DeviceRecommendation["reference"]} file
 */
function bundleLink(job, file) {
  const link = {
    class: "button small",
    href: address(`v1/jobs/${job}/models/${file.model_sha256}/bundle`),
    download: "",
    "aria-label": `Download bundle of ${nameOf(file)}`,
    onclick: fetchesFile,
  };
  return el("a", link, "Download bundle");
}

/**
 * @param {string} job
 * @param {DeviceRecommendation["purposes"][number]} purpose
 * @param {DeviceRecommendation} device
 * @param {Figures} figures
 */
function card(job, { purpose, choice, words, final }, { candidates, test_images: testImages }, figures) {
  const found = candidates.find((each) => isSameFile(each, choice));
  return el(
    "article",
    { class: "card" },
    el("h4", {}, figures.purposes[purpose]),
    el("p", { class: "pick" }, el("a", { href: fileAddress(job, choice) }, nameOf(choice))),
    testImages && el("p", {}, final?.words ?? "Not measured on the test images."),
    found &&
      facts(
        Object.fromEntries(shownCriteria(figures, [found]).map((figure) => [titleOf(figure), valueOf(found, figure)])),
      ),
    el("details", { class: "small" }, el("summary", {}, "Why this file"), el("p", {}, withExplanations(words))),
    el("p", {}, bundleLink(job, choice)),
  );
}

/**
 * Return the accuracy that a file is ranked by: over several seeds, mean and standard deviation.
 *
 * @param {Candidate} candidate
 */
function accuracyOf({ accuracy, accuracy_mean: mean, accuracy_std: spread }) {
  return typeof mean === "number" && typeof spread === "number"
    ? `${percent(mean)} ± ${percent(spread)}`
    : percent(accuracy);
}

/**
 * @param {string} job
 * @param {DeviceRecommendation} device
 * @param {Recommendation["goals"]["method"]} method
 * @param {Figures} figures
 */
function ranking(job, device, method, figures) {
  const [accuracy, ...others] = shownCriteria(figures, device.candidates);
  const test = device.test_images ? ["Test accuracy"] : [];
  const heads = [accuracy, ...others].map(({ criterion }) => capitalized(criterion.title));
  heads.splice(1, 0, ...test);
  const titles = ["Place", "File", ...heads, capitalized(figures.ranking_methods[method])];
  const columns = titles.map((title, index) => ({ title, number: index !== 1 }));
  const rows = device.candidates.map((each) => [
    each.standing?.place ?? "-",
    [
      el("a", { href: fileAddress(job, each) }, nameOf(each)),
      each.standing?.on_front && "*",
      each.misses.length > 0 && el("span", { class: "small soft" }, ` ${each.misses.join(", ")}`),
    ],
    [accuracyOf(each), each.difference.within_noise && insignificant()],
    ...test.map(() => (each.final ? percent(each.final.accuracy) : "not measured")),
    ...others.map((figure) => valueOf(each, figure)),
    each.standing?.totals[method].toFixed(3) ?? "-",
  ]);
  return table(`Ranking for ${device.device}`, columns, rows, { className: "wide ranking" });
}

/**
 * Write the title of a criterion, with the split of its images.
 *
 * @param {CriterionFigure} figure
 */
function titleOf({ criterion, split }) {
  return capitalized([split, criterion.title].filter(Boolean).join(" "));
}

/**
 * @param {Candidate} candidate
 * @param {CriterionFigure} figure
 */
function valueOf(candidate, figure) {
  return text(figure, numberAt(candidate, figure.criterion.field));
}
