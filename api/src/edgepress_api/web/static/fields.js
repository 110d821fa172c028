/**
 * Fields of a form for single values.
 *
 * A field is `{element, value(), set(value), find(path), complain(message)}`. `value()` is undefined where nothing is said
 * that would not be so anyway, so that a spec says only what its user chose. `find` answers the field that stands for a
 * path in the value, as far down as there is one, and `complain` shows what is wrong with it; an empty message takes that
 * back.
 */

import { el } from "./dom.js";
import { description, isSame, limits } from "./schema.js";

let count = 0;

/** An id that no other element has. */
export function newId() {
  count += 1;
  return `field-${count}`;
}

/** `batch_size` as people write it. */
export function titleOf(name) {
  return name.replaceAll("_", " ");
}

/** A field of one control with its label, what it is, and room for what is wrong with it. */
export function labelled(control, { name, help, read, write }) {
  const error = el("p", { class: "error", id: `${control.id}-error` });
  const hint = help && el("p", { class: "help", id: `${control.id}-help` }, help);
  control.setAttribute("aria-describedby", `${hint ? `${hint.id} ` : ""}${error.id}`);
  const label = el("label", { for: control.id }, titleOf(name));
  const isCheckbox = control.type === "checkbox";
  return {
    element: el("div", { class: isCheckbox ? "field check" : "field" }, isCheckbox ? [control, label] : [label, control], hint, error),
    control,
    value: read,
    set: write,
    find() {
      return this;
    },
    complain(message) {
      error.textContent = message;
      control.toggleAttribute("aria-invalid", message !== "");
      if (message) control.setAttribute("aria-invalid", "true");
    },
  };
}

/** Text, or a number; a comma between several. What is no number is sent as it is: the gateway says what is accepted. */
export function textField(name, schema, { isList = false } = {}) {
  const items = isList ? schema.items : schema;
  const isNumber = (schema.anyOf ?? [items]).some((each) => each.type === "integer" || each.type === "number");
  const control = el("input", {
    id: newId(),
    type: schema.format === "password" ? "password" : "text",
    autocomplete: "off",
    inputmode: isNumber && !isList ? "decimal" : null,
    spellcheck: "false",
  });
  const parse = (text) => (isNumber && text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text);
  const read = () => {
    const text = control.value.trim();
    if (text === "") return undefined;
    const said = isList ? text.split(",").map((each) => parse(each.trim())) : parse(text);
    return isSame(said, schema.default) ? undefined : said;
  };
  const write = (value) => {
    const shown = value === undefined ? schema.default : value;
    control.value = shown === null || shown === undefined ? "" : isList ? shown.join(", ") : String(shown);
  };
  write(undefined);
  const accepted = [limits(items), isList && "several, with commas between"].filter(Boolean).join("; ");
  return labelled(control, { name, help: sentence(description(schema), accepted), read, write });
}

/** One of a list. `titles` says how people write them. */
export function choiceField(name, schema, values, titles = {}) {
  const control = el("select", { id: newId() }, values.map((each) => el("option", { value: each }, titles[each] ?? titleOf(String(each)))));
  const write = (value) => {
    control.value = value ?? schema.default ?? values[0];
  };
  write(undefined);
  const read = () => (control.value === schema.default ? undefined : control.value);
  return labelled(control, { name, help: description(schema), read, write });
}

/** Yes or no; with a third choice where it may be left to others. */
export function switchField(name, schema, { mayBeLeft = false } = {}) {
  if (mayBeLeft) {
    const field = choiceField(name, { ...schema, default: "" }, ["", "true", "false"], { "": "as it comes", true: "yes", false: "no" });
    const { value, set } = field;
    return Object.assign(field, {
      value: () => (value() === undefined ? undefined : value() === "true"),
      set: (said) => set(said === undefined || said === null ? "" : String(said)),
    });
  }
  const control = el("input", { id: newId(), type: "checkbox" });
  const write = (value) => {
    control.checked = value ?? schema.default ?? false;
  };
  write(undefined);
  const read = () => (control.checked === schema.default ? undefined : control.checked);
  return labelled(control, { name, help: description(schema), read, write });
}

/** What can only be one thing: nothing to see. */
export function constantField(schema) {
  const element = el("span", { hidden: true });
  const field = { element, value: () => schema.const, set() {}, find: () => field, complain() {} };
  return field;
}

function sentence(...parts) {
  return parts
    .filter(Boolean)
    .map((part) => `${part[0].toUpperCase()}${part.slice(1).replace(/\.$/, "")}.`)
    .join(" ");
}
