/**
 * The form of weights, limits and ranking method above a recommendation. The page's address keeps what its user chose, with
 * the names and units of the API, so that a link or a reload shows the same ranking.
 *
 * @import { Figures, Goals, Recommendation } from "../types.js"
 * @import { CriterionFigure } from "./figures.js"
 */

import { keepView, viewOf, whenReturned } from "./address.js";
import { el, fill } from "./dom.js";
import { newId } from "./fields.js";
import { capitalized, criteriaOf, limitUnit, numberAt } from "./figures.js";

const MOST_WEIGHT = 10;
const MOST_DROP = 20; // points; a file that loses more is of no use
const EVEN_WEIGHT = 5; // the largest of weights that follow from preferences

export class GoalsForm {
  /** Whether the job's own goals count, not those of the form. */
  isOwn = true;
  /** @type {Weight[]} */
  #weights;
  /** @type {Limit[]} */
  #limits;
  #method = el("select", { id: newId() });
  #drop;
  #details;

  /**
   * @param {HTMLElement} form Where the controls are put.
   * @param {Figures} figures
   * @param {Recommendation} recommendation By the job's own goals.
   * @param {() => void} onChange Is called when the user has changed something.
   */
  constructor(form, figures, { goals, weights, devices }, onChange) {
    this.#weights = criteriaOf(figures).map(weightOf);
    this.#limits = criteriaOf(figures).map(limitOf);
    this.#drop = new DropSlider(this.#limits, devices);
    fill(
      this.#method,
      Object.entries(figures.ranking_methods).map(([value, title]) => el("option", { value }, capitalized(title))),
    );
    const change = () => {
      this.isOwn = false;
      this.#changed(onChange);
    };
    const reset = () => {
      this.isOwn = true;
      this.#set(goals, weights);
      this.#changed(onChange);
    };
    const button = el("button", { type: "button", class: "plain small", onclick: reset }, "Reset to job settings");
    this.#details = el(
      "details",
      { class: "goals" },
      el("summary", {}, "Change what counts: weights, limits, ranking method"),
      el(
        "div",
        { class: "goal-fields" },
        el(
          "fieldset",
          {},
          el("legend", {}, "Weights: how much each figure counts, 0 for not at all"),
          this.#weights.map(weightRow),
        ),
        el("fieldset", {}, el("legend", {}, "Limits: files beyond a limit are left out"), this.#limits.map(limitRow)),
        el("div", { class: "row" }, el("label", { for: this.#method.id }, "Ranking method"), this.#method),
      ),
    );
    fill(form, el("div", { class: "row" }, this.#drop.element, button), this.#details);
    form.addEventListener("input", change);
    form.addEventListener("submit", (event) => event.preventDefault());
    this.#set(goals, weights);
    this.#restore(viewOf());
    whenReturned((query) => {
      this.isOwn = true;
      this.#set(goals, weights);
      this.#restore(query);
      onChange();
    });
  }

  /** Return the parameters for the API. A limit that is not valid has its error at the field, and is ignored. */
  query() {
    if (this.isOwn) return new URLSearchParams();
    return new URLSearchParams([["spec_goals", "false"], ...this.#written(isLimit)]);
  }

  /**
   * Show an error at the field of the API's parameter.
   *
   * @param {string} name
   * @param {string} message
   * @returns {boolean} Whether there is such a field.
   */
  complain(name, message) {
    const limit = this.#limits.find((each) => each.name === name);
    if (limit) {
      this.#details.open = true;
      showError(limit, message);
    }
    return limit !== undefined;
  }

  /** @param {() => void} onChange */
  #changed(onChange) {
    this.#check();
    keepView((name) => this.#names().includes(name), this.isOwn ? [] : this.#written(() => true));
    onChange();
  }

  /** Show the weights as numbers, and the errors of limits. */
  #check() {
    for (const { field } of this.#weights) {
      if (field.nextElementSibling) field.nextElementSibling.textContent = field.value;
    }
    for (const limit of this.#limits) {
      const accepted = limit.mayBeZero ? "a number of 0 or more" : "a number above 0";
      const complaint = `“${limit.control.value.trim()}” is not ${accepted}. This limit is ignored.`;
      showError(limit, isLimit(limit) ? "" : complaint);
      if (!isLimit(limit)) this.#details.open = true;
    }
    this.#drop.follow();
  }

  /**
   * Return method, weights and limits as parameters of the API. A limit that is not valid stays as it was written.
   *
   * @param {(limit: Limit) => boolean} keeps Whether to include a limit.
   */
  #written(keeps) {
    const query = new URLSearchParams({ method: this.#method.value });
    for (const { name, field } of this.#weights) query.set(`weight_${name}`, field.value);
    for (const limit of this.#limits) {
      const written = limit.control.value.trim();
      if (written && keeps(limit)) query.set(limit.name, isLimit(limit) ? inApiUnits(limit) : written);
    }
    return query;
  }

  /**
   * @param {Goals} goals
   * @param {Recommendation["weights"]} weights
   */
  #set(goals, weights) {
    const most = Math.max(...this.#weights.map(({ name }) => numberAt(weights, name) ?? 0));
    for (const { name, field } of this.#weights) {
      const derived = ((numberAt(weights, name) ?? 0) / most) * EVEN_WEIGHT;
      const weight = goals.preferences.length ? derived : (numberAt(goals.weights, name) ?? 0);
      field.value = String(Math.min(weight, MOST_WEIGHT));
    }
    for (const limit of this.#limits) limit.control.value = inUserUnits(limit, numberAt(goals, limit.name));
    this.#method.value = goals.method;
    this.#check();
  }

  /** Return the names of the parameters that the address has of the form. */
  #names() {
    const weights = this.#weights.map(({ name }) => `weight_${name}`);
    return ["method", ...weights, ...this.#limits.map(({ name }) => name)];
  }

  /** @param {URLSearchParams} query */
  #restore(query) {
    if (!this.#names().some((name) => query.has(name))) return;
    this.isOwn = false;
    this.#details.open = true;
    const method = query.get("method") ?? "";
    if ([...this.#method.options].some(({ value }) => value === method)) this.#method.value = method;
    for (const { name, field } of this.#weights) field.value = query.get(`weight_${name}`) ?? field.value;
    for (const limit of this.#limits) {
      const written = query.get(limit.name)?.trim() ?? "";
      limit.control.value = written;
      if (written && isLimit(limit)) limit.control.value = inUserUnits(limit, Number(written));
    }
    this.#check();
  }
}

/**
 * @typedef {ReturnType<typeof weightOf>} Weight
 * @param {CriterionFigure} figure
 */
function weightOf({ criterion: { name, title } }) {
  const field = el("input", { type: "range", id: newId(), min: 0, max: MOST_WEIGHT, step: 0.5 });
  return { name, title: capitalized(title), field };
}

/**
 * @typedef {ReturnType<typeof limitOf>} Limit
 * @param {CriterionFigure} figure
 */
function limitOf(figure) {
  const { label, unit } = limitUnit(figure);
  const id = newId();
  const error = el("p", { class: "error", id: `${id}-error` });
  const control = el("input", {
    type: "text",
    inputmode: "decimal",
    id,
    size: 6,
    placeholder: "none",
    "aria-describedby": error.id,
  });
  const mayBeZero = figure.criterion.limit_kind === "drop";
  const { limit: name } = figure.criterion;
  return { name, label: capitalized(label), unit, isWhole: figure.is_integer, mayBeZero, control, error };
}

/** The slider “what if”: how much accuracy may be given up. It is the limit of the accuracy's loss in another form. */
class DropSlider {
  element;
  #limit;
  #field;
  #output = el("output", {});
  #most;

  /**
   * @param {Limit[]} limits
   * @param {Recommendation["devices"]} devices
   */
  constructor(limits, devices) {
    this.#limit = limits.find(({ mayBeZero }) => mayBeZero);
    const drops = devices.flatMap((device) => frontDrops(device));
    this.#most = Math.max(MOST_DROP / 20, Math.min(MOST_DROP, Math.ceil(10 * Math.max(0, ...drops)) / 10 + 0.1));
    const ticks = el(
      "datalist",
      { id: newId() },
      drops.map((value) => el("option", { value: value.toFixed(1) })),
    );
    const range = { type: "range", id: newId(), min: 0, max: this.#most.toFixed(1), step: 0.1, list: ticks.id };
    this.#field = el("input", range);
    this.#output.htmlFor.add(this.#field.id);
    this.#field.addEventListener("input", () => {
      const value = Number(this.#field.value);
      if (this.#limit) this.#limit.control.value = value < this.#most ? String(value) : "";
    });
    const label = el("label", { for: this.#field.id }, "What if the file may be less accurate by");
    this.element = el("div", { class: "what-if" }, label, this.#field, this.#output, ticks);
  }

  /** Show what the limit is. */
  follow() {
    const written = this.#limit?.control.value.trim() ?? "";
    const value =
      written === "" || !Number.isFinite(Number(written)) ? this.#most : Math.min(Number(written), this.#most);
    this.#field.value = String(value);
    const words = written === "" ? "no limit set" : `at most ${written} points`;
    this.#output.textContent = words;
    this.#field.setAttribute("aria-valuetext", words);
  }
}

/**
 * Return how much less accurate each file of the Pareto fronts is than the reference, in points.
 *
 * @param {Recommendation["devices"][number]} device
 */
function frontDrops({ candidates, reference_accuracy: reference }) {
  const onFront = candidates.filter((each) => each.standing?.on_front);
  return [...new Set(onFront.map((each) => Math.max(0, Math.ceil(1000 * (reference - each.accuracy)) / 10)))];
}

/** @param {Weight} weight */
function weightRow({ title, field }) {
  return el("div", { class: "weight" }, el("label", { for: field.id }, title), field, el("output", { for: field.id }));
}

/** @param {Limit} limit */
function limitRow({ label, control, error }) {
  return el("div", { class: "limit" }, el("label", { for: control.id }, label), control, error);
}

/**
 * @param {Limit} limit
 * @param {string} message
 */
function showError({ control, error }, message) {
  error.textContent = message;
  if (message) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

/**
 * Return whether the text of a limit is empty or a number that it accepts.
 *
 * @param {Limit} limit
 */
function isLimit({ control, mayBeZero }) {
  const written = control.value.trim();
  const amount = Number(written);
  return written === "" || (Number.isFinite(amount) && (amount > 0 || (amount === 0 && mayBeZero)));
}

/** @param {Limit} limit */
function inApiUnits({ control, unit, isWhole }) {
  const amount = Number((Number(control.value) * unit).toPrecision(12));
  return String(isWhole ? Math.max(1, Math.round(amount)) : amount);
}

/**
 * @param {Limit} limit
 * @param {number | null} amount
 */
function inUserUnits({ unit }, amount) {
  return amount === null ? "" : String(Number((amount / unit).toPrecision(9)));
}
