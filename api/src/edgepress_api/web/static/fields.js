/**
 * Fields of a form for single values; see `Field`.
 *
 * The value of a field is undefined where it is the default, so that a spec contains only what its user chose.
 *
 * @import { ControlField, Field, Schema } from "../types.js"
 */

import { el } from "./dom.js";
import { description, isSame, limits } from "./schema.js";

let count = 0;

/** Return an id that no other element has. */
export function newId() {
  count += 1;
  return `field-${count}`;
}

/**
 * Make a field from one control: with its label, its help, and a place for an error.
 *
 * @template {HTMLInputElement | HTMLSelectElement} Control
 * @param {Control} control
 * @param {object} options
 * @param {string} options.label
 * @param {string} options.help
 * @param {() => any} options.read
 * @param {(value: any) => void} options.write
 * @returns {ControlField<Control>}
 */
export function labelled(control, { label, help, read, write }) {
  const error = el("p", { class: "error", id: `${control.id}-error` });
  const hint = help && el("p", { class: "help", id: `${control.id}-help` }, help);
  control.setAttribute("aria-describedby", `${hint ? `${hint.id} ` : ""}${error.id}`);
  const isCheckbox = control.type === "checkbox";
  const caption = el("label", { for: control.id }, label);
  const element = el(
    "div",
    { class: isCheckbox ? "field check" : "field" },
    isCheckbox ? [control, caption] : [caption, control],
    hint,
    error,
  );
  return {
    element,
    control,
    value: read,
    set: write,
    find() {
      return this;
    },
    complain(message) {
      error.textContent = message;
      if (message) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    },
  };
}

/**
 * Make a field for text or a number, or for several with commas between. What is not a number is sent as it is, and the
 * gateway answers what is accepted. An object or a list, where
 * a short form is text, is written as JSON.
 *
 * @param {string} label
 * @param {Schema} schema
 * @param {object} [options]
 * @param {Schema} [options.items] The schema of an item, if the value is a list.
 * @param {number} [options.unit] The amount that the user writes as 1.
 * @param {string} [options.help] Help instead of the description of the schema.
 */
export function textField(label, schema, { items, unit = 1, help = description(schema) } = {}) {
  const one = items ?? schema;
  const alternatives = [one, ...(one.anyOf ?? [])];
  const isNumber = alternatives.some((each) => each.type === "integer" || each.type === "number");
  const isWhole = !alternatives.some((each) => each.type === "number");
  const control = el("input", {
    id: newId(),
    type: schema.format === "password" ? "password" : "text",
    autocomplete: "off",
    inputmode: isNumber && !items ? "decimal" : null,
    spellcheck: "false",
  });
  /** @param {string} text */
  const parse = (text) => {
    if (/^[{[]/.test(text)) return dataOf(text);
    const amount = Number(text) * unit;
    if (!isNumber || text === "" || Number.isNaN(amount)) return text;
    return unit === 1 ? amount : isWhole ? Math.round(amount) : Number(amount.toPrecision(12));
  };
  const read = () => {
    const text = control.value.trim();
    if (text === "") return undefined;
    const value = items ? text.split(",").map((each) => parse(each.trim())) : parse(text);
    return isSame(value, schema.default) ? undefined : value;
  };
  /** @param {any} value */
  const write = (value) => {
    const shown = value === undefined ? schema.default : value;
    const isScaled = typeof shown === "number" && unit !== 1;
    if (shown === null || shown === undefined) control.value = "";
    else if (items) control.value = shown.join(", ");
    else if (typeof shown === "object") control.value = JSON.stringify(shown);
    else control.value = String(isScaled ? Number((shown / unit).toPrecision(12)) : shown);
  };
  write(undefined);
  const words = sentence(help, limits(one, unit), items ? "separate several with commas" : "");
  return labelled(control, { label, help: words, read, write });
}

/**
 * Make a field for one of a list of values.
 *
 * @param {string} label
 * @param {Schema} schema
 * @param {(string | number)[]} values
 * @param {Record<string, string>} [titles] What to show for a value.
 */
export function choiceField(label, schema, values, titles = {}) {
  const texts = values.map(String);
  const choices = texts.map((each) => el("option", { value: each }, titles[each] ?? each.replaceAll("_", " ")));
  const control = el("select", { id: newId() }, choices);
  /** @param {string | number | null | undefined} value */
  const write = (value) => {
    control.value = String(value ?? schema.default ?? values[0]);
  };
  write(undefined);
  const read = () => {
    const value = values[texts.indexOf(control.value)];
    return value === schema.default ? undefined : value;
  };
  return labelled(control, { label, help: description(schema), read, write });
}

/**
 * Make a field for yes or no.
 *
 * @param {string} label
 * @param {Schema} schema
 */
export function switchField(label, schema) {
  const control = el("input", { id: newId(), type: "checkbox" });
  /** @param {boolean | null | undefined} value */
  const write = (value) => {
    control.checked = value ?? schema.default ?? false;
  };
  write(undefined);
  const read = () => (control.checked === schema.default ? undefined : control.checked);
  return labelled(control, { label, help: description(schema), read, write });
}

/**
 * Make a field for yes, no, or what the server decides.
 *
 * @param {string} label
 * @param {Schema} schema
 * @returns {Field}
 */
export function optionalSwitchField(label, schema) {
  const titles = { "": "automatic", true: "yes", false: "no" };
  const field = choiceField(label, { ...schema, default: "" }, ["", "true", "false"], titles);
  const { value, set } = field;
  return Object.assign(field, {
    value: () => (value() === undefined ? undefined : value() === "true"),
    /** @param {boolean | null | undefined} chosen */
    set: (chosen) => set(chosen === undefined || chosen === null ? "" : String(chosen)),
  });
}

/**
 * Make an invisible field for a value that can only be one thing.
 *
 * @param {Schema} schema
 * @returns {Field}
 */
export function constantField(schema) {
  return {
    element: el("span", { hidden: true }),
    value: () => schema.const,
    set() {},
    find() {
      return this;
    },
    complain() {},
  };
}

/**
 * Return the data of a text in JSON; the text if it is not JSON.
 *
 * @param {string} text
 */
function dataOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {...string} parts */
function sentence(...parts) {
  return parts
    .filter(Boolean)
    .map((part) => `${part[0].toUpperCase()}${part.slice(1).replace(/\.$/, "")}.`)
    .join(" ");
}
