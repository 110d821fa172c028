/** A file that a job made: what was measured of it, what it keeps of its promises, and the file to take home. */

import { Problem, address, fetchesFile, getJson, pathParts } from "./api.js";
import { at, el, fill, table } from "./dom.js";
import { start } from "./page.js";
import { duration, microseconds, milliseconds, percent, size, spaced, times } from "./words.js";

start(async () => {
  const [, job, , sha256] = pathParts();
  const report = await getJson(`v1/jobs/${job}/report?format=json`);
  const rows = report.rows.filter((row) => row.model_sha256 === sha256);
  at("back").href = address(`jobs/${job}`);
  at("back").textContent = `Back to ${report.job.name}`;
  if (rows.length === 0) throw new Problem({ title: "There is no such thing", detail: `no measured model ${sha256} in ${job}`, status: 404 });
  show(job, report, rows);
});

function show(job, report, rows) {
  const [row] = rows;
  document.title = `${row.pipeline} ${row.export} - Edgepress`;
  at("name").textContent = `${row.pipeline} ${row.export}`;
  at("about").textContent = `${row.stages.join("; ")}. Of ${report.job.name}, ${job}.`;
  const file = (path, name, words) => el("a", { class: "button", href: address(path), download: name, onclick: fetchesFile }, words);
  fill(
    at("downloads"),
    file(`v1/jobs/${job}/models/${row.model_sha256}/bundle`, "", "Download the bundle"),
    file(`v1/artifacts/${row.model_sha256}`, `${row.pipeline}-${row.export}.tflite`.replaceAll(" ", "-"), "Download the .tflite"),
  );
  const classes = report.dataset?.classes ?? row.confusion.map((_, index) => String(index));
  fill(
    at("content"),
    section("The file", facts(row)),
    section("Measured", measured(rows)),
    section("Promises", promises(row)),
    section(`Class by class, on ${row.device}`, perClass(row, classes)),
    section("Confusion", confusion(row, classes)),
    row.operator_times && section(`Time by operator, on ${row.device}`, operators(row)),
  );
}

function section(title, content) {
  return el("section", {}, el("h2", {}, title), content);
}

function facts(row) {
  const { float32_tflite: against } = row.ratios;
  const found = {
    "SHA-256": el("code", { class: "long" }, row.model_sha256),
    Size: `${size(row.size_bytes)}, ${size(row.zip_bytes)} zipped${row.encoding === "sparse" ? "; zeros are left out of it" : ""}`,
    Against: against ? `the float32 .tflite: ${times(against.size)} smaller, ${times(against.zip)} zipped` : "no float32 .tflite of a plain training in this job",
    "Zeros among the weights": percent(row.sparsity, 1),
    "Different values in a tensor, at most": row.unique_weights_max.toLocaleString("en"),
    "Operators that compute on floats": row.float_ops,
  };
  return el("dl", {}, Object.entries(found).map(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value instanceof Node ? "" : value), value instanceof Node && value)]));
}

function measured(rows) {
  const columns = ["Device", "Threads", "Accuracy", "95 % interval", "F1", "Median, ms", "p90", "p99", "All images", "Memory"].map((title, index) => ({ title, number: index > 0 }));
  return table("Measurements", columns, rows.map((row) => [
    `${row.device}${row.emulated ? ", emulated" : ""}${row.throttled?.length ? `, ${row.throttled.join(", ")}` : ""}`,
    row.threads,
    percent(row.accuracy),
    row.accuracy_low === null ? "-" : `${(100 * row.accuracy_low).toFixed(1)} to ${(100 * row.accuracy_high).toFixed(1)}`,
    row.f1.toFixed(3),
    milliseconds(row.latency_ms.p50),
    milliseconds(row.latency_ms.p90),
    milliseconds(row.latency_ms.p99),
    row.total_seconds === null ? "-" : duration(row.total_seconds),
    size(row.peak_memory_bytes),
  ]));
}

function promises(row) {
  if (row.promises.length === 0) return el("p", {}, "None were made of it.");
  const columns = [{ title: "What" }, { title: "Promised", number: true }, { title: "Found", number: true }, { title: "Where" }];
  return table("Promises", columns, row.promises.map((promise) => [spaced(promise.kind), figure(promise.promised), figure(promise.found), promise.layer ?? "the file"]));
}

function figure(value) {
  return typeof value === "number" && !Number.isInteger(value) ? percent(value, 1) : String(value);
}

/** Precision, recall and F1 of each class, from the confusion matrix; as `edgepress_api.report.class_metrics` has it. */
export function perClassFigures(confusion) {
  return confusion.map((counts, at_) => {
    const said = confusion.reduce((sum, line) => sum + line[at_], 0);
    const images = counts.reduce((sum, count) => sum + count, 0);
    const hits = counts[at_];
    return { images, precision: said ? hits / said : 0, recall: images ? hits / images : 0, f1: said + images ? (2 * hits) / (said + images) : 0 };
  });
}

function perClass(row, classes) {
  const columns = ["Class", "Images", "Precision", "Recall", "F1"].map((title, index) => ({ title, number: index > 0 }));
  return table("Class by class", columns, perClassFigures(row.confusion).map((each, index) => [classes[index], each.images, percent(each.precision, 1), percent(each.recall, 1), each.f1.toFixed(3)]));
}

function confusion(row, classes) {
  const shade = (count, total) => `c${Math.min(9, Math.ceil((9 * count) / Math.max(total, 1)))}`;
  const lines = row.confusion.map((counts, index) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return el("tr", {}, el("th", { scope: "row" }, classes[index]), counts.map((count) => el("td", { class: count ? shade(count, total) : null }, count || "")));
  });
  const head = el("thead", {}, el("tr", {}, el("td"), classes.map((name) => el("th", { scope: "col" }, name))));
  return [
    el("p", { class: "small soft" }, "Rows: what an image is. Columns: what it is taken for."),
    el("div", { class: "scroll", role: "region", "aria-label": "Confusion matrix", tabindex: 0 }, el("table", { class: "matrix" }, head, el("tbody", {}, lines))),
  ];
}

function operators(row) {
  const columns = [{ title: "Operator" }, { title: "Calls", number: true }, { title: "Mean, µs", number: true }];
  return table("Time by operator", columns, row.operator_times.map((each) => [each.operator, each.calls, microseconds(each.mean_ms)]));
}
