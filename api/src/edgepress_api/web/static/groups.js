/**
 * Fields of a form that contain fields: objects, lists, alternatives; see `Field`.
 *
 * @import { Child, Field, Form, ObjectField, Schema, UnionWords } from "../types.js"
 */

import { el, fill } from "./dom.js";
import { choiceField, constantField, newId, optionalSwitchField, switchField, textField } from "./fields.js";
import { itemNoun, labelOf } from "./labels.js";
import { description, isSame, mayBeNull, resolved, tagged, withoutNull } from "./schema.js";

/**
 * Make the field for a schema.
 *
 * @param {Form} form
 * @param {Schema} given
 * @param {string} path Where the value is in the spec, without the numbers of list items.
 * @returns {Field}
 */
export function makeField(form, given, path) {
  const widget = Object.entries(form.widgets).find(([end]) => `.${path}`.endsWith(`.${end}`));
  const whole = resolved(form.document, given);
  if (widget) return widget[1](form, whole, path);
  const schema = withoutNull(form.document, whole);
  if (mayBeNull(whole) && (schema.type === "object" || schema.discriminator)) return optionalField(form, schema, path);
  if (schema.discriminator) return unionField(form, schema, path, unionOf(form, schema));
  if (schema.type === "object") return objectField(form, schema, path);
  if (schema.type === "array" && schema.items) {
    return arrayField(form, schema, resolved(form.document, schema.items), path);
  }
  if (schema.const !== undefined) return constantField(schema);
  if (schema.enum) return choiceField(labelOf(path), schema, schema.enum);
  if (schema.type === "boolean") {
    return mayBeNull(whole) ? optionalSwitchField(labelOf(path), schema) : switchField(labelOf(path), schema);
  }
  return textField(labelOf(path), schema);
}

/**
 * Make a field for an object.
 *
 * @param {Form} form
 * @param {Schema} schema
 * @param {string} path
 * @param {object} [options]
 * @param {string} [options.label]
 * @param {string[]} [options.leftOut] Properties that have no field.
 * @param {string[]} [options.first] Properties in the order in which their fields come first.
 * @param {boolean} [options.isBare] Whether it has no frame that can be collapsed.
 * @returns {ObjectField}
 */
export function objectField(form, schema, path, options = {}) {
  const { label = labelOf(path), leftOut = [], first = [], isBare = false } = options;
  const properties = schema.properties ?? {};
  const names = [...new Set([...first, ...Object.keys(properties)])].filter((name) => !leftOut.includes(name));
  const fields = Object.fromEntries(
    names.map((name) => [name, makeField(form, properties[name], path ? `${path}.${name}` : name)]),
  );
  const error = el("p", { class: "error" });
  const inner = el(
    "div",
    { class: "fields" },
    Object.values(fields).map((field) => field.element),
  );
  const element = isBare
    ? el("div", {}, error, inner)
    : el("details", { class: "group" }, el("summary", {}, label), help(schema), error, inner);
  return {
    element,
    fields,
    value() {
      const chosen = Object.entries(fields)
        .map(([name, field]) => [name, field.value()])
        .filter(([, value]) => value !== undefined);
      const isDefault = chosen.length === 0 || isSame(Object.fromEntries(chosen), schema.default);
      return isDefault && !isBare ? undefined : Object.fromEntries(chosen);
    },
    set(value) {
      for (const [name, field] of Object.entries(fields)) field.set((value ?? schema.default)?.[name]);
    },
    find([name, ...rest]) {
      const found = fields[name];
      if (!found) return this;
      if (element instanceof HTMLDetailsElement) element.open = true; // the error must be visible
      return found.find(rest);
    },
    complain: complaints(error, () => Object.values(fields)),
  };
}

/**
 * Make a field for one of several forms, which a property distinguishes.
 *
 * @param {Form} form
 * @param {Schema} schema
 * @param {string} path
 * @param {UnionWords} [words]
 * @returns {Field}
 */
export function unionField(form, schema, path, { titles = {}, words = {}, first = null } = {}) {
  const alternatives = tagged(form.document, schema);
  const tag = schema.discriminator?.propertyName ?? "kind";
  const named = [...new Set([...Object.keys(titles), ...Object.keys(alternatives)])];
  const kinds = named.filter((kind) => kind in alternatives);
  const start = schema.default?.[tag] ?? first ?? kinds[0];
  const choice = choiceField(labelOf(`${path}.${tag}`), { default: start }, kinds, titles);
  const about = el("p", { class: "help" });
  const inner = el("div");
  /** @type {ObjectField} */
  let chosen;
  /**
   * @param {string} kind
   * @param {any} value
   */
  const choose = (kind, value) => {
    choice.set(kind);
    about.textContent = words[kind] ?? description(alternatives[kind]);
    chosen = objectField(form, alternatives[kind], path, { leftOut: [tag], isBare: true });
    chosen.set(value);
    fill(inner, chosen.element);
  };
  // What the alternatives have in common keeps its value.
  choice.control.addEventListener("change", () => choose(choice.control.value, chosen.value()));
  choose(start, schema.default);
  return {
    element: el("div", { class: "union" }, choice.element, about, inner),
    value: () => ({ [tag]: choice.control.value, ...chosen.value() }),
    set: (value) => choose(value?.[tag] ?? start, value ?? schema.default),
    find: (rest) => (rest.length === 0 || rest[0] === tag ? choice : chosen.find(rest)),
    complain(message) {
      choice.complain(message);
      if (!message) chosen.complain("");
    },
  };
}

/**
 * Make a field for a value that may be left out.
 *
 * @param {Form} form
 * @param {Schema} schema
 * @param {string} path
 * @returns {Field}
 */
function optionalField(form, schema, path) {
  const wanted = switchField(labelOf(path), { ...schema, default: false });
  const inside = schema.discriminator
    ? unionField(form, schema, path, unionOf(form, schema))
    : objectField(form, { ...schema, default: undefined }, path, { isBare: true });
  const show = () => {
    inside.element.hidden = !wanted.control.checked;
  };
  wanted.control.addEventListener("change", show);
  show();
  return {
    element: el("div", { class: "optional" }, wanted.element, inside.element),
    value: () => (wanted.control.checked ? inside.value() : undefined),
    set(value) {
      wanted.set(value !== undefined && value !== null);
      inside.set(value ?? undefined);
      show();
    },
    find: (rest) => (rest.length === 0 ? wanted : inside.find(rest)),
    complain(message) {
      wanted.complain(message);
      if (!message) inside.complain("");
    },
  };
}

/**
 * @param {Form} form
 * @param {Schema} schema
 * @param {Schema} items
 * @param {string} path
 * @returns {Field}
 */
function arrayField(form, schema, items, path) {
  const areNested = items.type === "object" || items.discriminator;
  if (!areNested) return textField(labelOf(path), schema, { items });
  return listField(schema, path, {
    make: () =>
      items.discriminator ? unionField(form, items, path) : objectField(form, items, path, { isBare: true }),
  });
}

/**
 * Make a field for a list, whose items can be added, moved and removed.
 *
 * @param {Schema} schema
 * @param {string} path
 * @param {object} options
 * @param {() => Field} options.make Makes the field of a new item.
 * @param {string} [options.label]
 * @param {string} [options.noun] What an item is called.
 * @returns {Field}
 */
export function listField(schema, path, { make, label = labelOf(path), noun = itemNoun(path) }) {
  const error = el("p", { class: "error" });
  const list = el("ol", { class: "list" });
  /** @type {{field: Field, id: string}[]} */
  const entries = [];
  const draw = () => {
    const rows = entries.map(({ id, field }, index) =>
      itemRow({ id, title: `${noun} ${index + 1}`, move, index }, field),
    );
    rows[0]?.querySelector("[id$=-up]")?.setAttribute("disabled", "");
    rows.at(-1)?.querySelector("[id$=-down]")?.setAttribute("disabled", "");
    fill(list, rows);
  };
  /**
   * @param {number} index
   * @param {number | null} by By how many places; null removes the item.
   */
  const move = (index, by) => {
    const taken = entries.splice(index, 1);
    if (by === null) add.focus();
    else entries.splice(index + by, 0, ...taken);
    draw();
  };
  /** @param {any} [value] */
  const push = (value) => {
    const field = make();
    if (value !== undefined) field.set(value);
    entries.push({ field, id: newId() });
    return field;
  };
  const addNew = () => {
    const field = push();
    draw();
    const control = field.element.querySelector("input, select");
    if (control instanceof HTMLElement) control.focus();
  };
  const article = /^[aeiou]/.test(noun) ? "an" : "a";
  const add = el("button", { type: "button", class: "plain", onclick: addNew }, `Add ${article} ${noun}`);
  return {
    element: el("fieldset", { class: "group" }, el("legend", {}, label), help(schema), error, list, add),
    value() {
      const values = entries.map((entry) => entry.field.value() ?? {});
      return isSame(values, schema.default ?? []) ? undefined : values;
    },
    set(value) {
      entries.length = 0;
      for (const each of value ?? schema.default ?? []) push(each);
      draw();
    },
    find([index, ...rest]) {
      const entry = entries[Number(index)];
      return entry ? entry.field.find(rest) : this;
    },
    complain: complaints(error, () => entries.map((entry) => entry.field)),
  };
}

/**
 * @param {{id: string, title: string, index: number, move: (index: number, by: number | null) => void}} item
 * @param {Field} field
 */
function itemRow({ id, title, index, move }, field) {
  /**
   * @param {string} label
   * @param {number | null} by
   */
  const act = (label, by) => {
    const name = { type: "button", id: `${id}-${label.toLowerCase()}`, "aria-label": `${label} ${title}` };
    return el("button", { ...name, class: "plain small", onclick: () => move(index, by) }, label);
  };
  const buttons = [act("Up", -1), act("Down", 1), act("Remove", null)];
  const head = el("div", { class: "row" }, el("strong", {}, title), el("span", { class: "push" }), buttons);
  return el("li", { class: "entry" }, head, field.element);
}

/**
 * Make the function that shows an error of a group. Removing it removes the errors of the fields inside as well.
 *
 * @param {HTMLElement} place
 * @param {() => Field[]} inside
 */
export function complaints(place, inside) {
  /** @param {string} message */
  return (message) => {
    place.textContent = message;
    if (!message) for (const field of inside()) field.complain("");
  };
}

/**
 * @param {Form} form
 * @param {Schema} schema
 */
function unionOf(form, schema) {
  return form.unions[schema.discriminator?.propertyName ?? ""];
}

/**
 * @param {Schema} schema
 * @returns {Child}
 */
function help(schema) {
  const words = description(schema);
  return words ? el("p", { class: "help" }, words) : null;
}
