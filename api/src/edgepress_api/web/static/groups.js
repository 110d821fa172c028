/** Fields of a form that have fields inside: objects, lists, choices between forms. See `fields.js` for what a field is. */

import { el, fill } from "./dom.js";
import { choiceField, constantField, newId, switchField, textField, titleOf } from "./fields.js";
import { description, isSame, mayBeNull, options, resolved, tagged, withoutNull } from "./schema.js";

/**
 * The field for a schema.
 *
 * `form` is what all fields of it share: `document`, which references are looked up in; `widgets`, by the ends of paths,
 * functions that make a field where a schema alone does not say enough; `unions`, by the field that tells the forms of a
 * value apart, what `unionField` is to know of them.
 */
export function makeField(form, name, given, path = name) {
  const widget = Object.entries(form.widgets).find(([end]) => `.${path}`.endsWith(`.${end}`));
  const whole = resolved(form.document, given);
  if (widget) return widget[1](form, name, whole, path);
  const schema = withoutNull(form.document, whole);
  const isNested = schema.type === "object" || schema.discriminator;
  if (mayBeNull(whole) && isNested) return optionalField(form, name, schema, path);
  if (schema.discriminator) return unionField(form, name, schema, path, unionOf(form, schema));
  if (schema.const !== undefined) return constantField(schema);
  if (schema.enum) return choiceField(name, schema, schema.enum);
  if (schema.type === "boolean") return switchField(name, schema, { mayBeLeft: mayBeNull(whole) });
  if (schema.type === "object") return objectField(form, name, schema, path);
  if (schema.type === "array") {
    const items = resolved(form.document, schema.items);
    const areNested = items.type === "object" || items.discriminator;
    return areNested ? listField(form, name, schema, items, path) : textField(name, { ...schema, items }, { isList: true });
  }
  return textField(name, schema);
}

/** Fields of an object; folded up unless it must be said. */
export function objectField(form, name, schema, path, { leftOut = [], isOpen = false, isBare = false } = {}) {
  const fields = {};
  for (const [child, its] of Object.entries(schema.properties)) {
    if (!leftOut.includes(child)) fields[child] = makeField(form, child, its, path ? `${path}.${child}` : child);
  }
  const error = el("p", { class: "error" });
  const inner = el("div", { class: "fields" }, Object.values(fields).map((field) => field.element));
  const element = isBare
    ? el("div", {}, error, inner)
    : el("details", { class: "group", open: isOpen }, el("summary", {}, titleOf(name)), help(schema), error, inner);
  return {
    element,
    fields,
    value() {
      const said = Object.entries(fields)
        .map(([child, field]) => [child, field.value()])
        .filter(([, value]) => value !== undefined);
      const isAll = said.length === 0 || isSame(Object.fromEntries(said), schema.default);
      return isAll && !isBare ? undefined : Object.fromEntries(said);
    },
    set(value) {
      for (const [child, field] of Object.entries(fields)) field.set((value ?? schema.default)?.[child]);
    },
    find([first, ...rest]) {
      const found = fields[first];
      if (!found) return this;
      if (element.tagName === "DETAILS") element.open = true; // what is wrong must be seen
      return found.find(rest);
    },
    complain(message) {
      error.textContent = message;
      if (!message) for (const field of Object.values(fields)) field.complain("");
    },
  };
}

/** One of several forms, by the field that tells them apart. `titles` and `words` say what each is, in their order. */
export function unionField(form, name, schema, path, { titles = {}, words = {}, isBare = false, first = null } = {}) {
  const alternatives = tagged(form.document, schema);
  const tag = schema.discriminator.propertyName;
  const kinds = [...new Set([...Object.keys(titles), ...Object.keys(alternatives)])].filter((kind) => kind in alternatives);
  const start = schema.default?.[tag] ?? first ?? kinds[0];
  const choice = choiceField(isBare ? tag : `${name}: ${tag}`, { default: start }, kinds, titles);
  const said = el("p", { class: "help" });
  const inner = el("div");
  let chosen;
  const choose = (kind, value) => {
    choice.set(kind);
    said.textContent = words[kind] ?? description(alternatives[kind]);
    chosen = objectField(form, name, alternatives[kind], path, { leftOut: [tag], isBare: true });
    chosen.set(value);
    fill(inner, chosen.element);
  };
  // What the forms have in common stays as it was said.
  choice.control.addEventListener("change", () => choose(choice.control.value, chosen.value()));
  choose(start, schema.default);
  return {
    element: el("div", { class: "union" }, choice.element, said, inner),
    value: () => ({ [tag]: choice.control.value, ...chosen.value() }),
    set: (value) => choose(value?.[tag] ?? start, value ?? schema.default),
    find: (rest) => (rest.length === 0 || rest[0] === tag ? choice : chosen.find(rest)),
    complain(message) {
      choice.complain(message);
      if (!message) chosen.complain("");
    },
  };
}

/** A form that is filled in only if its user wants to. */
export function optionalField(form, name, schema, path) {
  const wanted = switchField(name, { ...schema, default: false });
  const inside = schema.discriminator
    ? unionField(form, name, schema, path, unionOf(form, schema))
    : objectField(form, name, { ...schema, default: undefined }, path, { isBare: true });
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

/** A list of forms, each of which can be moved and removed. `noun` is what one of them is called. */
export function listField(form, name, schema, items, path, { noun = titleOf(name).replace(/s$/, ""), make = null } = {}) {
  const error = el("p", { class: "error" });
  const list = el("ol", { class: "list" });
  const entries = [];
  const draw = () => {
    fill(list, entries.map((entry, index) => drawn(entry, index)));
  };
  const drawn = (entry, index) => {
    const act = (label, run, isOff) =>
      el("button", { type: "button", class: "plain small", id: `${entry.id}-${label}`, "aria-label": `${label} ${noun} ${index + 1}`, disabled: isOff, onclick: run }, label);
    const move = (by) => () => {
      entries.splice(index + by, 0, ...entries.splice(index, 1));
      draw();
    };
    const remove = () => {
      entries.splice(index, 1);
      draw();
      add.focus();
    };
    return el(
      "li",
      { class: "entry" },
      el("div", { class: "row" }, el("strong", {}, `${noun} ${index + 1}`), el("span", { class: "push" }), act("up", move(-1), index === 0), act("down", move(1), index === entries.length - 1), act("remove", remove)),
      entry.field.element,
    );
  };
  const push = (value) => {
    const field = make ? make(path) : makeItem(form, noun, items, path);
    if (value !== undefined) field.set(value);
    entries.push({ field, id: newId() });
    return field;
  };
  const add = el("button", { type: "button", class: "plain", onclick: () => { const field = push(); draw(); field.element.querySelector("input, select")?.focus(); } }, `Add ${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`);
  return {
    element: el("fieldset", { class: "group" }, el("legend", {}, titleOf(name)), help(schema), error, list, add),
    value() {
      const said = entries.map((entry) => entry.field.value() ?? {});
      return isSame(said, schema.default ?? []) ? undefined : said;
    },
    set(value) {
      entries.length = 0;
      for (const each of value ?? schema.default ?? []) push(each);
      draw();
    },
    find([index, ...rest]) {
      return entries[index] ? entries[index].field.find(rest) : this;
    },
    complain(message) {
      error.textContent = message;
      if (!message) for (const entry of entries) entry.field.complain("");
    },
  };
}

function makeItem(form, noun, items, path) {
  return items.discriminator
    ? unionField(form, noun, items, path, { isBare: true })
    : objectField(form, noun, items, path, { isBare: true });
}

function unionOf(form, schema) {
  return form.unions[schema.discriminator.propertyName];
}

function help(schema) {
  const words = description(schema);
  return words ? el("p", { class: "help" }, words) : null;
}
