/**
 * Lists jobs by their labels, networks, data sets and devices, a page at a time, and selects jobs to compare.
 *
 * @import { Answers, JobSummary } from "../types.js"
 */

import { keepView, viewOf, whenReturned } from "./address.js";
import { address, failed, getJson } from "./api.js";
import { jobsCopied } from "./copies.js";
import { offerCopies } from "./copy_menu.js";
import { at, el, fill, table } from "./dom.js";
import { repeat, start } from "./page.js";
import { isSame } from "./schema.js";
import { labelsOf } from "./job_labels.js";
import { STATES, between, counted, moment, spaced } from "./words.js";

const PAGE_SIZE = 20;
const REFRESH_SECONDS = 4;
const MOST_COMPARED = 10;
const CHOOSE = `Select 2 to ${MOST_COMPARED} jobs to compare them.`;

/** @type {Set<string>} */
const chosen = new Set();
let page = viewOf().get("page_token"); // of the page that is shown; null for the newest
/** @type {Answers["/v1/jobs"] | null} */
let shown = null;

start(async () => {
  await offerFilters();
  at("filter").addEventListener("submit", (event) => {
    event.preventDefault();
    turnTo(null);
  });
  at("filter").addEventListener("change", () => turnTo(null));
  at("newest").addEventListener("click", () => turnTo(null));
  at("older").addEventListener("click", () => turnTo(shown?.next_page_token ?? null));
  at("compare").addEventListener("click", () => {
    location.href = address(`compare?${[...chosen].map((id) => `job=${id}`).join("&")}`);
  });
  at("chosen").textContent = CHOOSE;
  offerCopies(() => [jobsCopied(asked())]);
  whenReturned((query) => {
    page = query.get("page_token");
    restoreFilters();
    show().catch(failed);
  });
  await repeat(REFRESH_SECONDS, show);
});

/** @returns {(HTMLSelectElement | HTMLInputElement)[]} */
function filters() {
  return [...at("filter").querySelectorAll("select"), ...at("filter").querySelectorAll("input")];
}

/** Fill the filters with the values that jobs have, and choose those of the page's address. */
async function offerFilters() {
  const { facets } = await getJson("/v1/facets", {});
  at("filter-state").append(...STATES.map((each) => el("option", { value: each }, spaced(each))));
  for (const { kind, value, jobs } of facets) {
    at(`filter-${kind}`).append(el("option", { value }, `${value} (${jobs})`));
  }
  restoreFilters();
  for (const field of filters()) {
    if (field instanceof HTMLSelectElement) field.parentElement?.toggleAttribute("hidden", field.options.length < 2);
  }
}

/** Set the filters to those of the page's address. */
function restoreFilters() {
  const query = viewOf();
  for (const field of filters()) {
    const value = query.get(field.name) ?? "";
    const isUnknown = field instanceof HTMLSelectElement && ![...field.options].some((each) => each.value === value);
    if (isUnknown) field.append(el("option", { value }, value)); // of no job any more
    field.value = value;
  }
}

/** @param {string | null} token */
function turnTo(token) {
  page = token;
  keepView(() => true, page ? [...chosenFilters(), ["page_token", page]] : chosenFilters());
  show().catch(failed);
}

/** @returns {[name: string, value: string][]} */
function chosenFilters() {
  const given = filters().filter((field) => field.value.trim());
  return given.map((field) => [field.name, field.value.trim()]);
}

/** Return the filters as the API has them. */
function asked() {
  const query = new URLSearchParams(chosenFilters());
  const since = query.get("created_from");
  if (since) query.set("created_from", new Date(`${since}T00:00`).toISOString());
  return query;
}

async function show() {
  const query = asked();
  const hasFilters = query.size > 0;
  query.set("page_size", String(PAGE_SIZE));
  if (page) query.set("page_token", page);
  const found = await getJson("/v1/jobs", {}, query);
  if (isSame(found, shown)) return; // a selection in the table stays
  shown = found;
  at("newest", HTMLButtonElement).disabled = page === null;
  at("older", HTMLButtonElement).disabled = found.next_page_token === null;
  at("empty").hidden = found.jobs.length > 0;
  at("list").hidden = found.jobs.length === 0;
  const create = ["No jobs yet. ", el("a", { href: address("new") }, "Create the first job.")];
  fill(at("empty"), hasFilters || page ? "No matching jobs." : create);
  showList(found.jobs);
}

/** @param {JobSummary[]} jobs */
function showList(jobs) {
  const hasSeveralOwners = new Set(jobs.map((job) => job.owner)).size > 1;
  const columns = ["Compare", "Job", "State", "Created", "Duration"].map((title) => ({ title }));
  const hasLabels = jobs.some((job) => job.project || job.tags?.length);
  if (hasLabels) columns.push({ title: "Labels" });
  if (hasSeveralOwners) columns.push({ title: "Owner" });
  const rows = jobs.map((job) => [
    box(job),
    link(job),
    stateOf(job),
    moment(job.created_at),
    between(job.created_at, job.finished_at),
    ...(hasLabels ? [labelsOf(job)] : []),
    ...(hasSeveralOwners ? [job.owner] : []),
  ]);
  fill(at("list"), table("Jobs", columns, rows).firstChild);
}

/** @param {JobSummary} job */
function box(job) {
  const choose = () => {
    if (input.checked) chosen.add(job.id);
    else chosen.delete(job.id);
    at("compare", HTMLButtonElement).disabled = chosen.size < 2 || chosen.size > MOST_COMPARED;
    at("chosen").textContent = chosen.size ? `${counted(chosen.size, "job")} selected. ${CHOOSE}` : CHOOSE;
  };
  const input = el("input", {
    type: "checkbox",
    id: `choose-${job.id}`,
    "aria-label": `Compare ${job.name}, ${job.id}`,
    checked: chosen.has(job.id),
    onchange: choose,
  });
  return input;
}

/** @param {JobSummary} job */
function link(job) {
  const name = el("a", { href: address(`jobs/${job.id}`), id: `show-${job.id}` }, job.name);
  return [name, el("br"), el("span", { class: "soft small" }, job.id)];
}

/** @param {JobSummary} job */
function stateOf(job) {
  const error = job.error && [el("br"), el("span", { class: "small" }, job.error.slice(0, 200))];
  return [el("span", { class: `state ${job.state}` }, spaced(job.state)), error];
}
