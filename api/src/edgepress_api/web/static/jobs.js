/** The list of jobs: by state and name, a page at a time; and which of them to compare. */

import { address, getJson } from "./api.js";
import { at, el, fill, table } from "./dom.js";
import { repeat, start } from "./page.js";
import { isSame } from "./schema.js";
import { STATES, counted, moment, spaced } from "./words.js";

const PAGE_SIZE = 20;
const REFRESH_SECONDS = 4;
const MOST_COMPARED = 10;

const chosen = new Set();
let page = null; // the token of the page that is shown; null for the newest
let shown = null;

start(async () => {
  const asked = new URLSearchParams(location.search);
  const filter = at("filter");
  filter.elements.state.append(...STATES.map((state) => el("option", { value: state }, spaced(state))));
  filter.elements.state.value = asked.get("state") ?? "";
  filter.elements.name.value = asked.get("name") ?? "";
  filter.addEventListener("submit", (event) => {
    event.preventDefault();
    turnTo(null);
  });
  filter.elements.state.addEventListener("change", () => turnTo(null));
  at("newest").addEventListener("click", () => turnTo(null));
  at("older").addEventListener("click", () => turnTo(shown.next_page_token));
  at("compare").addEventListener("click", () => {
    location.href = address(`compare?${[...chosen].map((id) => `job=${id}`).join("&")}`);
  });
  await repeat(REFRESH_SECONDS, show);
});

async function turnTo(token) {
  page = token;
  await show();
}

async function show() {
  const asked = new URLSearchParams();
  for (const field of [at("filter").elements.state, at("filter").elements.name]) if (field.value.trim()) asked.set(field.name, field.value.trim());
  history.replaceState(null, "", asked.size ? `?${asked}` : location.pathname);
  const query = new URLSearchParams([...asked, ["page_size", PAGE_SIZE], ...(page ? [["page_token", page]] : [])]);
  const found = await getJson(`v1/jobs?${query}`);
  if (isSame(found, shown)) return; // whoever reads or selects something is not disturbed
  shown = found;
  at("newest").disabled = page === null;
  at("older").disabled = shown.next_page_token === null;
  const { jobs } = shown;
  at("empty").hidden = jobs.length > 0;
  at("list").hidden = jobs.length === 0;
  fill(at("empty"), asked.size || page ? "No job like that." : ["None yet. ", el("a", { href: address("new") }, "Post the first one.")]);
  const owners = new Set(jobs.map((job) => job.owner));
  const columns = [{ title: "Compare" }, { title: "Job" }, { title: "State" }, { title: "Posted" }, { title: "Ended" }];
  if (owners.size > 1) columns.push({ title: "Of" });
  const rows = jobs.map((job) => [box(job), link(job), state(job), moment(job.created_at), moment(job.finished_at), ...(owners.size > 1 ? [job.owner] : [])]);
  fill(at("list"), table("Jobs", columns, rows).firstChild);
}

function box(job) {
  const choose = ({ target }) => {
    if (target.checked) chosen.add(job.id);
    else chosen.delete(job.id);
    at("compare").disabled = chosen.size < 2 || chosen.size > MOST_COMPARED;
    at("chosen").textContent = chosen.size ? `${counted(chosen.size, "job")} chosen; from 2 to ${MOST_COMPARED} can be compared.` : "";
  };
  return el("input", { type: "checkbox", id: `choose-${job.id}`, "aria-label": `Compare ${job.name}, ${job.id}`, checked: chosen.has(job.id), onchange: choose });
}

function link(job) {
  return [el("a", { href: address(`jobs/${job.id}`), id: `show-${job.id}` }, job.name), el("br"), el("span", { class: "soft small" }, job.id)];
}

function state(job) {
  const error = job.error && [el("br"), el("span", { class: "small" }, job.error.slice(0, 200))];
  return [el("span", { class: `state ${job.state}` }, spaced(job.state)), error];
}
