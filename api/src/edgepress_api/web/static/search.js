/**
 * Shows the search of a job while it runs and afterwards: its front, the importance of choices, all trials, their lineage.
 *
 * @import { Child, Figure, Figures, Job, ParallelChart, SearchAnalysis, Trial, Trials } from "../types.js"
 */

import { keepView, viewOf, whenReturned } from "./address.js";
import { address, getJson, pathParts } from "./api.js";
import { showCharts } from "./chart_figures.js";
import { trialsCopied } from "./copies.js";
import { offerCopies } from "./copy_menu.js";
import { at, el, fill, table } from "./dom.js";
import { capitalized, criteriaOf, fetchFigures, text } from "./figures.js";
import { lineageOf } from "./lineage.js";
import { loaded, repeat, start } from "./page.js";
import { counted, duration, spaced } from "./words.js";

const REFRESH_SECONDS = 10;
const MOST_ROWS = 100; // of the table, until all are requested

const id = pathParts()[1];
/** @type {Trials | null} */
let view = null;
/** @type {ParallelChart | null} */
let parallel = null;
/** @type {Map<string, Figure>} */
let criteria = new Map();
/** @type {Set<string> | null} */
let brushed = null; // names of the trials that are selected on the chart
start(async () => {
  const [job, figures] = await Promise.all([getJson("/v1/jobs/{job_id}", { job_id: id }), fetchFigures()]);
  showHead(job, figures);
  offerCopies(() => [trialsCopied(id)]);
  at("more").addEventListener("click", () => {
    keepView((name) => name === "all", [["all", "1"]]);
    showTrials();
  });
  whenReturned(() => {
    showFilters();
    showTrials();
    restoreLineage();
  });
  await repeat(REFRESH_SECONDS, refresh);
}, "Job");

/**
 * @param {Job} job
 * @param {Figures} figures
 */
function showHead(job, figures) {
  criteria = new Map(criteriaOf(figures).map((figure) => [figure.criterion.name, figure]));
  document.title = `Search of ${job.name} - Edgepress`;
  at("name").textContent = `Search of ${job.name}`;
  const back = at("back", HTMLAnchorElement);
  back.href = address(`jobs/${id}`);
}

async function refresh() {
  if (view?.complete) return;
  const trials = await getJson("/v1/jobs/{job_id}/trials", { job_id: id });
  if (JSON.stringify(trials) === JSON.stringify(view)) return;
  view = trials;
  showOutcome(trials);
  at("trials-section").hidden = false;
  at("charts-section").hidden = false;
  showTrials();
  loaded();
  // The first analysis after the gateway's start takes seconds, in which the trials can be read.
  const analysis = await getJson("/v1/jobs/{job_id}/trials/analysis", { job_id: id });
  parallel = analysis.parallel;
  showAnalysis(trials, analysis);
  showFilters();
  showTrials();
  if (at("lineage").hidden) restoreLineage();
}

/** @param {Trials} trials */
function showOutcome({ complete, winner, prices, tried, trials_budget: budget, hours, hours_budget: most, device }) {
  const of = most === null ? "" : ` of ${most}`;
  const state = complete ? "The search has ended" : "The search runs";
  at("about").textContent =
    `${state}: ${tried} of ${budget} trials, ${hours.toFixed(2)}${of} hours of work; decided by the measurements of ${device}.`;
  at("outcome").hidden = !winner;
  if (!winner) return;
  const begin = complete ? "Winner" : "Best so far";
  at("winner").textContent = [`${begin}: ${winner.words}`, winner.test && `Test split: ${winner.test.words}`]
    .filter(Boolean)
    .join(" ");
  fill(
    at("prices"),
    prices.map(({ words }) => el("li", {}, words)),
  );
}

/**
 * @param {Trials} trials
 * @param {SearchAnalysis} analysis
 */
function showAnalysis(trials, analysis) {
  const ends = Object.entries(analysis.reference).map(([name, value]) => `${titleOf(name)} ${valueOf(name, value)}`);
  const words = [
    analysis.growth.length > 0 &&
      `The hypervolume is the share of the space that the front dominates, down to the reference point ${ends.join(", ")}; only files that were trained for all epochs and keep the limits count.`,
    analysis.importances.length > 0
      ? `The importance of a choice for a figure is that of PED-ANOVA: how different its values are among the best ${Math.round(100 * analysis.importance_best)} % of ${analysis.importance_trials} trials and among all.`
      : "The importance of the choices is shown from ten measured trials on.",
    stoppedWords(trials.trials),
    trials.ruled_out &&
      `Not tried, because the predicted latency misses the limit: ${counted(trials.ruled_out, "combination")}.`,
  ];
  at("charts-section").hidden = analysis.charts.length === 0;
  at("charts-words").textContent = words.filter(Boolean).join(" ");
  showCharts(at("charts"), analysis.charts);
}

/** @param {Trial[]} trials */
function stoppedWords(trials) {
  const stopped = trials.filter((each) => each.stopped);
  const unmeasured = stopped.filter((each) => each.place === null).length;
  const lost = unmeasured ? `, ${unmeasured} of them without a measurement` : "";
  return (
    stopped.length > 0 && `${counted(stopped.length, "trial")} stopped after screening${lost}; the table says why.`
  );
}

function showFilters() {
  const axes = (parallel?.axes ?? []).filter((axis) => (axis.rows?.length ?? 0) > 1);
  fill(
    at("filters"),
    axes.map(({ title, rows }, index) => {
      const options = ["", ...(rows ?? [])].map((value) =>
        el("option", { value, selected: wanted(title) === value }, value || "any"),
      );
      const choose = () => {
        keepView((name) => name === `only.${title}`, select.value ? [[`only.${title}`, select.value]] : []);
        brushed = null;
        showTrials();
      };
      const select = el("select", { id: `filter-${index}`, onchange: choose }, options);
      return el("span", {}, el("label", { for: select.id }, `${capitalized(title)} `), select);
    }),
  );
}

/**
 * Return the label of a choice that is selected; empty if all are.
 *
 * @param {string} title
 */
function wanted(title) {
  return viewOf().get(`only.${title}`) ?? "";
}

/** Show the selected trials as lines and as rows. */
function showTrials() {
  if (!view) return;
  const lines = (parallel?.lines ?? []).filter(({ values }) => isWanted(values));
  if (parallel) {
    showCharts(at("parallel"), [{ ...parallel, lines }], (names) => {
      brushed = names && new Set(names);
      showRows(view?.trials ?? [], new Set(lines.map((line) => line.name)));
    });
  }
  showRows(view.trials, new Set(lines.map((line) => line.name)));
}

/** @param {(number | null)[]} values */
function isWanted(values) {
  return (parallel?.axes ?? []).every(({ title, rows }, index) => {
    const number = values[index];
    return !wanted(title) || (number !== null && rows?.[number] === wanted(title));
  });
}

/**
 * @param {Trial[]} trials
 * @param {Set<string>} drawn Names of the lines that are drawn.
 */
function showRows(trials, drawn) {
  const isSelected = Boolean(brushed) || [...viewOf().keys()].some((name) => name.startsWith("only."));
  const names = brushed ?? drawn;
  const shown = [...trials].filter((each) => !isSelected || names.has(each.name)).sort(byPlace);
  at("selected").textContent = isSelected ? `${shown.length} of ${counted(trials.length, "pipeline")} selected.` : "";
  const rows = viewOf().has("all") ? shown : shown.slice(0, MOST_ROWS);
  at("more").hidden = rows.length === shown.length;
  at("more").textContent = `Show all ${shown.length}`;
  const figures = view?.criteria ?? [];
  const columns = [
    { title: "Name" },
    { title: "State" },
    ...figures.map((name) => ({ title: capitalized(titleOf(name)), number: true })),
    { title: "Limits" },
    { title: "Place", number: true },
    { title: "Why" },
  ];
  fill(
    at("table"),
    table(
      "List of trials",
      columns,
      rows.map((each) => cellsOf(each, figures)),
    ),
  );
}

/**
 * @param {Trial} trial
 * @param {string[]} figures
 * @returns {Child[]}
 */
function cellsOf(trial, figures) {
  const open = () => {
    keepView((name) => name === "trial", [["trial", trial.name]]);
    showLineage(trial.name);
  };
  const limits = { true: "kept", false: "missed", null: "" }[String(trial.keeps_limits)];
  return [
    [el("button", { type: "button", class: "link", onclick: open }, trial.name), trial.on_front && "*"],
    el("span", { class: `state ${trial.state}` }, spaced(trial.state)),
    ...figures.map((name) => valueOf(name, trial.values[name] ?? null)),
    limits,
    trial.place,
    trial.stopped ?? trial.trial?.reason,
  ];
}

/**
 * @param {Trial} one
 * @param {Trial} other
 */
function byPlace(one, other) {
  /** @param {Trial} each */
  const rank = (each) => [each.trial?.kind === "screening" ? 1 : 0, each.place ?? Infinity];
  const [[kind, place], [otherKind, otherPlace]] = [rank(one), rank(other)];
  return kind - otherKind || (place === otherPlace ? 0 : place - otherPlace);
}

/** Show the lineage that the page's address names. */
function restoreLineage() {
  const name = viewOf().get("trial");
  if (name && view?.trials.some((each) => each.name === name)) showLineage(name);
  else at("lineage").hidden = true;
}

/** @param {string} name Name of a trial. */
function showLineage(name) {
  const place = at("lineage");
  const entries = lineageOf(view?.trials ?? [], name).map(({ trial, changes }) => {
    const figures = (view?.criteria ?? [])
      .filter((each) => each in trial.values)
      .map((each) => `${titleOf(each)} ${valueOf(each, trial.values[each])}`);
    const worked = typeof trial.hours === "number" ? `ended after ${duration(3600 * trial.hours)} of work` : "";
    const facts = [figures.join(", "), trial.stopped && `stopped: ${trial.stopped}`, worked].filter(Boolean);
    return el(
      "li",
      {},
      el("strong", {}, trial.name),
      `: ${changes}.`,
      el("br"),
      el("span", { class: "small soft" }, facts.join("; ")),
    );
  });
  place.hidden = false;
  fill(place, el("h3", { id: "lineage-title" }, `Lineage of ${name}`), el("ol", {}, entries));
  place.focus();
}

/** @param {string} name Name of a criterion. */
function titleOf(name) {
  return criteria.get(name)?.criterion?.title ?? name;
}

/**
 * @param {string} name Name of a criterion.
 * @param {number | null} value
 */
function valueOf(name, value) {
  const figure = criteria.get(name);
  return figure ? text(figure, value) : String(value ?? "-");
}
