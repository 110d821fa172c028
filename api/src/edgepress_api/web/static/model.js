/**
 * Shows a file that a job exported: its measurements, its verified promises, and its downloads.
 *
 * @import { Child, Column, Figures, Report, ReportRow, Sensitivity } from "../types.js"
 * @typedef {{name: string, accuracy: number, matrix: number[][]}} Split
 */

import { Problem, address, fetchesFile, getJson, pathParts } from "./api.js";
import { fileCopied } from "./copies.js";
import { offerCopies } from "./copy_menu.js";
import { at, el, facts, fill, table } from "./dom.js";
import { bare, capitalized, columnsFrom, fetchFigures, numberAt, text } from "./figures.js";
import { start } from "./page.js";
import { microseconds, nameOf, percent, significant, size, spaced, times } from "./words.js";

const AGREEING = 0.2; // the sum of the operators' times and the latency differ by less, relative to the latency

start(async () => {
  const [, job, , sha256] = pathParts();
  offerCopies(() => [fileCopied(job, sha256)]);
  const report = /** @type {Report} */ (
    await getJson("/v1/jobs/{job_id}/report", { job_id: job }, new URLSearchParams({ format: "json" }))
  );
  const rows = report.rows.filter((row) => row.model_sha256 === sha256);
  const back = at("back", HTMLAnchorElement);
  back.href = address(`jobs/${job}`);
  back.textContent = `Back to ${report.job.name}`;
  if (rows.length === 0) {
    throw new Problem({ title: "Not found", detail: `job ${job} has no measured file ${sha256}`, status: 404 });
  }
  show(job, report, rows, await fetchFigures());
  const sensitivity = (await isMeasured(job, rows[0])) && (await fetchSensitivity(job, sha256));
  if (sensitivity) at("content").append(section("Cost of int8 by layer", layerCosts(sensitivity)));
}, "File");

/**
 * Return whether the spec asks for the cost of each layer of a file.
 *
 * @param {string} job
 * @param {ReportRow} row
 */
async function isMeasured(job, row) {
  const { pipelines } = await getJson("/v1/jobs/{job_id}/spec", { job_id: job });
  if (!Array.isArray(pipelines)) return false;
  return pipelines.some(
    ({ name, exports }) =>
      name === row.pipeline &&
      exports.some(
        (each) =>
          typeof each === "object" &&
          each.kind === "int8" &&
          (("sensitivity" in each && each.sensitivity) ||
            ("keep_float" in each && typeof each.keep_float === "number")),
      ),
  );
}

/**
 * Get the cost of each layer; null for a file of another export of the same pipeline.
 *
 * @param {string} job
 * @param {string} sha256
 */
async function fetchSensitivity(job, sha256) {
  try {
    return await getJson("/v1/jobs/{job_id}/models/{sha256}/sensitivity", { job_id: job, sha256 });
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 404) return null;
    throw problem;
  }
}

/** @param {Sensitivity} sensitivity */
function layerCosts({ images, layers, float_accuracy: full, int8_accuracy: rounded, kept_float: kept }) {
  const note = [
    `Rounded as in int8, ${percent(rounded, 1)} of ${images} validation images are right; in float, ${percent(full, 1)}.`,
    "The signal-to-noise ratio is that of the network's output if only this layer is rounded: the lowest costs most.",
  ];
  const lines = layers.map((each) => [
    kept.includes(each.layer) ? `${each.layer}, in float` : each.layer,
    `${each.signal_to_noise_db.toFixed(1)} dB`,
    percent(each.accuracy, 1),
  ]);
  const columns = columnsOf("Layer", "Signal to noise", "Accuracy with it in float");
  return [el("p", { class: "small soft" }, note.join(" ")), table("Cost of int8 by layer", columns, lines)];
}

/**
 * @param {string} job
 * @param {Report} report
 * @param {ReportRow[]} rows
 * @param {Figures} figures
 */
function show(job, report, rows, figures) {
  const [row] = rows;
  document.title = `${nameOf(row)} - Edgepress`;
  at("name").textContent = nameOf(row);
  at("about").textContent = `${row.stages.join("; ")}. From job ${report.job.name}, ${job}.`;
  /**
   * @param {string} path
   * @param {string} download
   * @param {string} words
   */
  const file = (path, download, words) =>
    el("a", { class: "button", href: address(path), download, onclick: fetchesFile }, words);
  const fileName = `${row.pipeline}-${row.export}.tflite`.replaceAll(" ", "-");
  /** @param {string} split */
  const errorsOf = (split) => {
    if (!row.right_images || (split === "test" && !report.complete)) return null;
    return `jobs/${job}/models/${row.model_sha256}/errors?${new URLSearchParams({ split, device: row.device })}`;
  };
  const errors = errorsOf("validation");
  fill(
    at("downloads"),
    file(`v1/jobs/${job}/models/${row.model_sha256}/bundle`, "", "Download bundle"),
    file(`v1/artifacts/${row.model_sha256}`, fileName, "Download .tflite"),
    file(`v1/jobs/${job}/models/${row.model_sha256}/c-source`, "", "Download C source"),
    errors && el("a", { class: "button plain", href: address(errors) }, "Show errors"),
  );
  const classes = report.dataset?.classes ?? row.confusion.map((_, index) => String(index));
  fill(
    at("content"),
    section("File", fileFacts(row, figures)),
    section("Measurements", measurements(rows, figures, Boolean(report.dataset?.test_counts))),
    rows.filter(({ explanations }) => explanations.length > 0).map((each) => explained(each, rows.length > 1)),
    section("Verified promises", promises(row)),
    splitsOf(row).map((split) => [
      section(`Metrics by class on ${row.device}, ${split.name} images`, perClass(split, classes)),
      section(`Confusion matrix, ${split.name} images`, confusion(split, classes, errorsOf(split.name))),
    ]),
    row.reliability.length > 0 && section("Confidence, validation images", reliability(row)),
    row.operator_groups.length > 0 && section(`Operators on ${row.device}`, operatorGroups(row)),
    row.operator_times && section(`Time by operator on ${row.device}`, operators(row, row.operator_times)),
  );
}

/**
 * Return the splits that the file is measured on, the final one first.
 *
 * @param {ReportRow} row
 * @returns {Split[]}
 */
function splitsOf(row) {
  const { test_confusion: test, test_accuracy: testAccuracy } = row;
  const validation = { name: "validation", accuracy: row.accuracy, matrix: row.confusion };
  if (!test || typeof testAccuracy !== "number") return [validation];
  return [{ name: "test", accuracy: testAccuracy, matrix: test }, validation];
}

/**
 * @param {string} title
 * @param {Child} content
 */
function section(title, content) {
  return el("section", {}, el("h2", {}, title), content);
}

/**
 * @param {ReportRow} row
 * @param {Figures} figures
 */
function fileFacts(row, figures) {
  const { float32_tflite: baseline } = row.ratios;
  const coded = typeof row.coded_bytes !== "number" ? "" : `, ${size(row.coded_bytes)} coded`;
  return facts({
    "SHA-256": el("code", { class: "long" }, row.model_sha256),
    Size: `${size(row.size_bytes)}, ${size(row.zip_bytes)} zipped${coded}${row.encoding === "sparse" ? "; zeros are not stored" : ""}`,
    "Against the float32 .tflite file": baseline
      ? `${times(baseline.size)} smaller, ${times(baseline.zip)} smaller zip against zip`
      : "no comparison: the job has no float32 export of a network trained without compression",
    ...Object.fromEntries(
      columnsFrom(figures, "export", "stage")
        .filter(({ figure }) => figure.unit !== "bytes" && figure.unit !== "times")
        .map(({ figure }) => [capitalized(figure.title), text(figure, numberAt(row, figure.name))]),
    ),
  });
}

/**
 * @param {string[]} titles All but the first are columns of numbers.
 * @returns {Column[]}
 */
function columnsOf(...titles) {
  return titles.map((title, index) => ({ title, number: index > 0 }));
}

/**
 * @param {ReportRow[]} rows
 * @param {Figures} figures
 * @param {boolean} hasTest Whether the data set has a test split.
 */
function measurements(rows, figures, hasTest) {
  const shown = columnsFrom(figures, "evaluation", "threads").filter(
    ({ figure: { name, split }, column }) =>
      (split === "test" && hasTest && !column.is_optional) || rows.some((row) => numberAt(row, name) !== null),
  );
  const columns = columnsOf("Device", "Threads", ...shown.map(({ column }) => column.head));
  const over = [{ title: "", columns: 2 }];
  for (const { column } of shown) {
    const last = over[over.length - 1];
    if (last.title === column.group) last.columns += 1;
    else over.push({ title: column.group, columns: 1 });
  }
  const lines = rows.map((row) => [
    [row.device, row.emulated && "emulated", ...(row.throttled ?? [])].filter(Boolean).join(", "),
    row.threads,
    ...shown.map(({ figure, column }) => {
      const value = numberAt(row, figure.name);
      if (value === null && figure.split === "test") return "not measured";
      const written = (column.is_bare ? bare : text)(figure, value);
      return [written, column.interval && interval(figures, row, column.interval)];
    }),
  ]);
  return table("Measurements", columns, lines, { over });
}

/**
 * @param {Figures} figures
 * @param {ReportRow} row
 * @param {string[]} ends Names of the figures that are the ends of a 95 % interval.
 */
function interval({ figures }, row, ends) {
  const written = figures.filter(({ name }) => ends.includes(name)).map((each) => bare(each, numberAt(row, each.name)));
  return !written.includes("-") && [el("br"), el("span", { class: "soft small" }, `95 %: ${written.join(" to ")}`)];
}

/**
 * @param {ReportRow} row
 * @param {boolean} isOneOfSeveral Whether the file has other rows.
 */
function explained({ device, threads, explanations }, isOneOfSeveral) {
  const where = isOneOfSeveral ? ` on ${device}, threads: ${threads}` : "";
  const sentences = explanations.map((each) => el("li", {}, each));
  return section(`Why it is not faster${where}`, el("ul", {}, sentences));
}

/** @param {ReportRow} row */
function reliability({ reliability: bins }) {
  const width = 100 / bins.length;
  const lines = bins
    .map(({ images, confidence, accuracy }, place) => [
      `${(place * width).toFixed(0)} to ${((place + 1) * width).toFixed(0)} %`,
      images,
      images ? percent(confidence, 1) : "-",
      images ? percent(accuracy, 1) : "-",
    ])
    .filter(([, images]) => Number(images) > 0);
  const note = "If confidences are probabilities, as many images are right as the mean confidence says.";
  return [
    el("p", { class: "small soft" }, note),
    table("Confidence", columnsOf("Confidence", "Images", "Mean confidence", "Accuracy"), lines),
  ];
}

/** @param {ReportRow} row */
function operatorGroups({ operator_groups: groups }) {
  const lines = groups.map(({ operator, types, count, delegated, macs, kernel }) => [
    operator,
    types,
    `${delegated} of ${count}`,
    macs ? `${significant(macs / 1e6)} M` : "",
    kernel ?? "",
  ]);
  const columns = [...columnsOf("Operator"), { title: "Types" }, ...columnsOf("", "Delegated", "MACs").slice(1)];
  const note = "What is delegated is reported by the runtime; the kernels are inferred from the processor's features.";
  return [
    el("p", { class: "small soft" }, note),
    table("Operators", [...columns, { title: "Kernels of the delegate" }], lines),
  ];
}

/** @param {ReportRow} row */
function promises(row) {
  if (row.promises.length === 0) return el("p", {}, "No stage or export promised anything of this file.");
  const columns = [...columnsOf("Property", "Promised", "Verified"), { title: "Layer" }];
  const lines = row.promises.map((promise) => [
    spaced(promise.kind),
    promised(promise.promised),
    promised(promise.found),
    promise.layer ?? "whole file",
  ]);
  return table("Verified promises", columns, lines);
}

/** @param {unknown} value */
function promised(value) {
  return typeof value === "number" && !Number.isInteger(value) ? percent(value, 1) : String(value);
}

/**
 * Compute precision, recall and F1 of each class, as `edgepress_api.report.class_metrics` does.
 *
 * @param {number[][]} matrix Counts by true class (rows) and predicted class (columns).
 */
function classMetrics(matrix) {
  return matrix.map((counts, index) => {
    const predicted = sum(matrix.map((line) => line[index]));
    const images = sum(counts);
    const hits = counts[index];
    return {
      images,
      precision: predicted ? hits / predicted : 0,
      recall: images ? hits / images : 0,
      f1: predicted + images ? (2 * hits) / (predicted + images) : 0,
    };
  });
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * @param {Split} split
 * @param {string[]} classes
 */
function perClass({ name, matrix }, classes) {
  const lines = classMetrics(matrix).map((each, index) => [
    classes[index],
    each.images,
    percent(each.precision, 1),
    percent(each.recall, 1),
    each.f1.toFixed(3),
  ]);
  return table(`Metrics by class, ${name}`, columnsOf("Class", "Images", "Precision", "Recall", "F1"), lines);
}

/**
 * @param {Split} split
 * @param {string[]} classes
 * @param {string | null} errors Path of the page with the images that are wrong; null if they can't be shown.
 */
function confusion({ name: split, accuracy, matrix: counted }, classes, errors) {
  /**
   * @param {number} count
   * @param {number} row
   * @param {number} column
   */
  const cell = (count, row, column) => {
    if (!count || row === column || !errors) return count || "";
    const chosen = new URLSearchParams({ true_class: classes[row], predicted_class: classes[column] });
    const label = `Show ${count} of ${classes[row]} predicted as ${classes[column]}`;
    return el("a", { href: address(`${errors}&${chosen}`), "aria-label": label }, count);
  };
  const lines = counted.map((counts, index) => {
    const total = Math.max(sum(counts), 1);
    const tiles = counts.map((count, column) =>
      el("td", { class: count ? `c${Math.min(9, Math.ceil((9 * count) / total))}` : null }, cell(count, index, column)),
    );
    return el("tr", {}, el("th", { scope: "row" }, classes[index]), tiles);
  });
  const names = classes.map((name) => el("th", { scope: "col" }, name));
  const matrix = el(
    "table",
    { class: "matrix" },
    el("thead", {}, el("tr", {}, el("td"), names)),
    el("tbody", {}, lines),
  );
  return [
    el(
      "p",
      { class: "small soft" },
      `${percent(accuracy)} are right. Rows are the true classes, columns are the predicted classes.`,
    ),
    el("div", { class: "scroll", role: "region", "aria-label": `Confusion matrix, ${split}`, tabindex: 0 }, matrix),
  ];
}

/**
 * @param {ReportRow} row The first row of the file: its number of threads was profiled.
 * @param {NonNullable<ReportRow["operator_times"]>} operatorTimes
 */
function operators(row, operatorTimes) {
  const lines = operatorTimes.map((each) => [each.operator, each.calls, microseconds(each.mean_ms)]);
  const together = sum(operatorTimes.map((each) => each.mean_ms));
  const median = row.latency_ms.p50;
  const reasons = [
    "They do not agree: the profile is of other inferences, in a process of its own; the profiler counts each call in",
    "whole microseconds, rounded down, and adds its own time; and the load of the device may have changed in between.",
    "Use the profile for the shares of the operators, and the latency for the time.",
  ];
  const verdict = Math.abs(together - median) > AGREEING * median ? reasons.join(" ") : "They agree.";
  const note = `The operators take ${significant(together)} ms together; the median latency is ${significant(median)} ms. ${verdict}`;
  return [
    el("p", { class: "small soft" }, note),
    table("Time by operator", columnsOf("Operator", "Calls", "Mean, µs"), lines),
  ];
}
