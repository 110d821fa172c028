/**
 * Shows the project, tags and notes of a job, and changes them.
 *
 * @import { Job, JobSummary } from "../types.js"
 */

import { address, failed, put } from "./api.js";
import { at, el, fill } from "./dom.js";

/**
 * Return the project and the tags of a job as links to the jobs that have them.
 *
 * @param {Pick<JobSummary, "project" | "tags">} job
 */
export function labelsOf({ project, tags = [] }) {
  const link = (/** @type {string} */ kind, /** @type {string} */ value) =>
    el("a", { class: `label ${kind}`, href: address(`?${new URLSearchParams({ [kind]: value })}`) }, value);
  return el(
    "span",
    { class: "labels" },
    project && link("project", project),
    tags.map((tag) => link("tag", tag)),
  );
}

/**
 * Show the labels of a job.
 *
 * @param {Job} job
 * @param {() => unknown} changed Called after they have changed.
 */
export function showLabels(job, changed) {
  const form = at("change-labels", HTMLFormElement);
  const hasAny = job.project || job.tags?.length || job.notes;
  const open = () => {
    fillForm(form, job, changed);
    form.hidden = false;
    form.querySelector("input")?.focus();
  };
  const edit = { type: "button", id: "edit-labels", class: "plain small", onclick: open };
  fill(
    at("labels"),
    (job.project || job.tags?.length) && labelsOf(job),
    job.notes && el("span", { class: "soft notes" }, job.notes),
    el("button", edit, hasAny ? "Edit labels" : "Add labels or notes"),
  );
}

/**
 * @param {HTMLFormElement} form
 * @param {Job} job
 * @param {() => unknown} changed
 */
function fillForm(form, job, changed) {
  const project = el("input", { id: "label-project", maxlength: 100, value: job.project ?? "" });
  const tags = el("input", { id: "label-tags", value: (job.tags ?? []).join(" ") });
  const notes = el("textarea", { id: "label-notes", maxlength: 4000, rows: 3 }, job.notes ?? "");
  const close = () => {
    form.hidden = true;
    at("edit-labels").focus();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    const labels = {
      project: project.value.trim() || null,
      tags: tags.value.split(/[\s,]+/).filter(Boolean),
      notes: notes.value,
    };
    put(`v1/jobs/${job.id}/labels`, JSON.stringify(labels)).then(changed).then(close).catch(failed);
  };
  fill(
    form,
    el("label", {}, "Project ", project),
    el("label", {}, "Tags, separated by spaces ", tags),
    el("label", {}, "Notes ", notes),
    el(
      "div",
      { class: "row" },
      el("button", {}, "Save"),
      el("button", { type: "button", class: "plain", onclick: close }, "Close"),
    ),
  );
}
