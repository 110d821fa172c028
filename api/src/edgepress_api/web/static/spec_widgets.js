/** Fields of a spec of which its schema alone does not say enough: they ask the gateway what there is. */

import { getJson } from "./api.js";
import { el, fill } from "./dom.js";
import { choiceField, newId, titleOf } from "./fields.js";
import { listField, makeField, objectField, unionField } from "./groups.js";
import { resolved, tagged } from "./schema.js";
import { archiveField, modelField } from "./uploads.js";

const OWN = "own pipelines";
const PRESETS = {
  quick: "The network as trained, in every export; and as int8 after quantization-aware training, pruned and clustered too, and distilled.",
  paper: "The whole study of Predić et al. 2022: each method in every export.",
  [OWN]: "Each a list of stages, and the files to write.",
};
const FIRST_PIPELINE = { name: "base", exports: ["float32", "int8"] };

/** Asks what there is, and answers the widgets by the ends of the paths that they stand for, and what unions are to know. */
export async function specWidgets() {
  const [methods, exports, architectures, devices] = await Promise.all(
    ["methods", "exports", "architectures", "devices"].map((name) => getJson(`v1/${name}`)),
  );
  const widgets = {
    stages: (form, name, schema, path) => stagesField(form, name, schema, path, methods.methods),
    exports: (form, name, schema, path) => exportsField(form, name, schema, path, exports.exports),
    "evaluation.devices": (_form, name, schema) => devicesField(name, schema, devices),
    "dataset.sha256": archiveField,
    "model.sha256": modelField,
    "student.sha256": modelField,
    pipelines: pipelinesField,
  };
  return { widgets, unions: { architecture: networks(architectures.architectures) } };
}

/** Which networks there are, in the catalogue's order, and what is to be known of each. */
function networks(architectures) {
  const told = architectures.map(({ name, title, parameters, min_image_size: least, widths, paper }) => ({
    name,
    title: `${title}, ${(parameters / 1e6).toFixed(1)} million weights`,
    words: `Images of ${least} pixels or more. ${widths.length > 1 ? `Widths ${widths.join(", ")}. ` : ""}${paper}.`,
  }));
  return {
    titles: { ...Object.fromEntries(told.map(({ name, title }) => [name, title])), uploaded: "a model of your own, sent to the server" },
    words: Object.fromEntries(told.map(({ name, words }) => [name, words])),
    first: told[0].name,
  };
}

function stagesField(form, name, schema, path, methods) {
  const items = resolved(form.document, schema.items);
  const titles = Object.fromEntries(methods.map((each) => [each.kind, each.title]));
  const words = Object.fromEntries(methods.map((each) => [each.kind, `${each.summary} ${each.limits}`]));
  const make = (inside) => unionField(form, "stage", items, inside, { titles, words, isBare: true, first: "prune" });
  return listField(form, name, { ...schema, description: "None: the network as trained." }, items, path, { make });
}

/** A box for each way to write the file, with its settings folded up below. */
function exportsField(form, name, schema, path, exports) {
  const alternatives = tagged(form.document, resolved(form.document, resolved(form.document, schema.items).anyOf.at(-1)));
  const error = el("p", { class: "error" });
  const entries = exports.map(({ kind, title, summary }) => {
    const box = el("input", { type: "checkbox", id: newId() });
    const settings = objectField(form, `settings of ${title}`, { ...alternatives[kind], description: "" }, path, { leftOut: ["kind"] });
    const show = () => {
      settings.element.hidden = !box.checked;
    };
    box.addEventListener("change", show);
    show();
    const element = el("div", { class: "field check" }, box, el("label", { for: box.id, title: summary }, title), settings.element);
    return { kind, box, settings, show, element };
  });
  const chosen = () => entries.filter((entry) => entry.box.checked);
  return {
    element: el("fieldset", { class: "group" }, el("legend", {}, titleOf(name)), error, entries.map((entry) => entry.element)),
    value: () => chosen().map(({ kind, settings }) => (settings.value() ? { kind, ...settings.value() } : kind)),
    set(value) {
      for (const entry of entries) {
        const said = (value ?? FIRST_PIPELINE.exports).find((each) => each === entry.kind || each.kind === entry.kind);
        entry.box.checked = said !== undefined;
        entry.settings.set(typeof said === "object" ? said : undefined);
        entry.show();
      }
    },
    find(rest) {
      const entry = chosen()[rest[0]];
      return entry && rest.length > 1 ? entry.settings.find(rest.slice(1)) : this;
    },
    complain(message) {
      error.textContent = message;
      if (!message) for (const entry of entries) entry.settings.complain("");
    },
  };
}

/** A preset, or pipelines of one's own. */
function pipelinesField(form, name, schema, path) {
  const [presets, own] = [schema.anyOf.find((each) => each.enum), schema.anyOf.find((each) => each.type === "array")];
  const choice = choiceField(name, { default: schema.default }, [...presets.enum, OWN]);
  const said = el("p", { class: "help" });
  const items = resolved(form.document, own.items);
  const make = (inside) => {
    const field = objectField(form, "pipeline", items, inside, { isBare: true });
    field.set(undefined);
    return field;
  };
  const list = listField(form, "pipelines of your own", { ...own, default: [] }, items, path, { noun: "pipeline", make });
  const show = () => {
    said.textContent = PRESETS[choice.control.value];
    list.element.hidden = choice.control.value !== OWN;
    if (!list.element.hidden && list.value() === undefined) list.set([FIRST_PIPELINE]);
  };
  choice.control.addEventListener("change", show);
  show();
  return {
    element: el("div", {}, choice.element, said, list.element),
    value: () => (choice.control.value === OWN ? (list.value() ?? []) : choice.value()),
    set(value) {
      choice.set(Array.isArray(value) ? OWN : value);
      list.set(Array.isArray(value) ? value : []);
      show();
    },
    find: (rest) => (rest.length && choice.control.value === OWN ? list.find(rest) : choice),
    complain(message) {
      choice.complain(message);
      if (!message) list.complain("");
    },
  };
}

/** A box for each device and each label there is. */
function devicesField(name, schema, { devices }) {
  const labels = new Set(devices.flatMap((device) => device.announcement.labels));
  const known = { any: "any: whichever is free first" };
  for (const device of devices) known[device.name] = `${device.name}${device.online ? "" : " (away)"}`;
  for (const label of labels) known[label] ??= `all ${label}`;
  const error = el("p", { class: "error" });
  const place = el("div");
  let boxes = [];
  const draw = (chosen) => {
    boxes = [...new Set([...Object.keys(known), ...chosen])].map((value) => {
      const box = el("input", { type: "checkbox", id: newId(), value });
      box.checked = chosen.includes(value);
      return box;
    });
    fill(place, boxes.map((box) => el("div", { class: "field check" }, box, el("label", { for: box.id }, known[box.value] ?? box.value))));
  };
  draw(schema.default);
  return {
    element: el("fieldset", { class: "group" }, el("legend", {}, titleOf(name)), error, place),
    value() {
      const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
      return JSON.stringify(chosen) === JSON.stringify(schema.default) ? undefined : chosen;
    },
    set: (value) => draw(value ?? schema.default),
    find() {
      return this;
    },
    complain(message) {
      error.textContent = message;
    },
  };
}
