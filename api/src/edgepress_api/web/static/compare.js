/** Jobs side by side, by pipeline, each held against the first; or, where none are named, which there are to choose from. */

import { address, getJson } from "./api.js";
import { at, el, fill, table } from "./dom.js";
import { start } from "./page.js";
import { milliseconds, moment, percent, size, spaced } from "./words.js";

const CHOICES = 50;

start(async () => {
  const jobs = new URLSearchParams(location.search).getAll("job");
  if (jobs.length < 2) await offerJobs(new Set(jobs));
  else show(await getJson(`v1/comparison?${jobs.map((job) => `job=${encodeURIComponent(job)}`).join("&")}`));
});

async function offerJobs(chosen) {
  const { jobs } = await getJson(`v1/jobs?page_size=${CHOICES}`);
  const button = el("button", { type: "submit", disabled: chosen.size < 2 }, "Compare");
  const choose = ({ target }) => {
    if (target.checked) chosen.add(target.value);
    else chosen.delete(target.value);
    button.disabled = chosen.size < 2;
  };
  const boxes = jobs.map((job) => {
    const box = el("input", { type: "checkbox", id: `choose-${job.id}`, value: job.id, checked: chosen.has(job.id), onchange: choose });
    return el("div", { class: "field check" }, box, el("label", { for: box.id }, `${job.name}, ${spaced(job.state)}, ${moment(job.created_at)}`));
  });
  const go = (event) => {
    event.preventDefault();
    location.href = address(`compare?${[...chosen].map((id) => `job=${id}`).join("&")}`);
  };
  const form = el("form", { onsubmit: go }, el("fieldset", { class: "group" }, el("legend", {}, "Two jobs or more; the one chosen first is what the others are held against"), boxes), button);
  fill(at("content"), jobs.length < 2 ? el("p", { class: "note" }, "There are not two jobs yet.") : form);
}

function show(comparison) {
  const { jobs } = comparison;
  fill(
    at("content"),
    !comparison.same_images && el("p", { class: "note" }, "They do not validate on the same images: accuracies are not of the same thing."),
    el("section", {}, el("h2", {}, "The jobs"), table("Jobs", [{ title: "Job" }, { title: "State" }, { title: "Posted" }, { title: "Best all round" }], jobs.map((job, index) => [
      el("a", { href: address(`jobs/${job.id}`) }, job.name),
      el("span", { class: `state ${job.state}` }, spaced(job.state)),
      moment(job.created_at),
      comparison.best_all_round[index].join("; ") || "-",
    ]), { className: "wide jobs" })),
    el("section", {}, el("h2", {}, "By pipeline"), byPipeline(comparison), el("p", { class: "small soft" }, "Below each figure, how it differs from the first job’s. “~”: chance alone may have made the difference.")),
    el("section", {}, el("h2", {}, "What they were asked differently"), differences(comparison)),
  );
}

function byPipeline({ jobs, rows }) {
  const columns = [{ title: "Pipeline" }, { title: "Export" }, { title: "Device" }, ...jobs.flatMap(() => ["Accuracy", "Time, ms", "Size"].map((title) => ({ title, number: true })))];
  const over = [{ title: "", columns: 3 }, ...jobs.map(({ name }) => ({ title: name, columns: 3 }))];
  return table("By pipeline", columns, rows.map((row) => [row.pipeline, row.export, `${row.device}, ${row.threads}`, ...row.jobs.flatMap(cells)]), { className: "wide comparison", over });
}

function cells(measured) {
  if (measured === null) return ["-", "-", "-"];
  const { change } = measured;
  const under = (words) => change && [el("br"), el("span", { class: "soft small" }, words)];
  const ratio = (value) => (value === null ? "" : `${value.toFixed(2)}×`);
  const points = change && `${change.accuracy_points >= 0 ? "+" : "−"}${Math.abs(100 * change.accuracy_points).toFixed(2)}${change.within_noise ? "~" : ""}`;
  return [
    [percent(measured.accuracy), under(change?.same_file ? "the same file" : points)],
    [milliseconds(measured.latency_ms), under(ratio(change?.latency_ratio ?? null))],
    [size(measured.size_bytes), under(ratio(change?.size_ratio ?? null))],
  ];
}

function differences({ jobs, spec_differences: found }) {
  if (found.length === 0) return el("p", {}, "Nothing.");
  const columns = [{ title: "Field" }, ...jobs.map((job) => ({ title: job.name }))];
  const written = (value) => (typeof value === "string" ? value : value === null ? "-" : JSON.stringify(value));
  return table("Differences of the specs", columns, found.map((each) => [el("code", {}, each.field), ...each.values.map((value) => el("span", { class: "long" }, written(value)))]));
}
