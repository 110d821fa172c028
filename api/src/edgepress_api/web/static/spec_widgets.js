/**
 * Fields of a spec for which a schema is not enough, because the gateway says what can be chosen.
 *
 * @import { Architecture, DeviceList, Export, Field, Figures, Form, MakeField, Method, Schema } from "../types.js"
 * @import { UnionWords } from "../types.js"
 * @import { CriterionFigure } from "./figures.js"
 */

import { getJson } from "./api.js";
import { el, fill } from "./dom.js";
import { choiceField, newId, textField } from "./fields.js";
import { capitalized, criteriaOf, fetchFigures, limitUnit } from "./figures.js";
import { complaints, listField, objectField, unionField } from "./groups.js";
import { labelOf } from "./labels.js";
import { resolved, tagged, withoutNull } from "./schema.js";
import { archiveField, modelField } from "./uploads.js";

const OWN = "custom";
const NONE = "none";
const PRESET_TITLES = {
  [NONE]: "None: the search proposes all",
  quick: "Quick",
  paper: "Study (paper)",
  [OWN]: "Custom pipelines",
};
/** @type {Record<string, string>} */
const PRESETS = {
  [NONE]: "Only pipelines that the search proposes are run, after the network without compression as a reference.",
  quick:
    "The trained network in every export, and five compressed versions as int8: quantization-aware trained, pruned, clustered, both, and distilled.",
  paper: "The whole study of Predić et al. 2022: each method in every export.",
  [OWN]: "Each pipeline is a list of stages and the files to export.",
};
const SEARCH_TITLES = {
  [NONE]: "No search",
  "find-fastest": "Find the fastest, at most one point less accurate",
  "find-smallest": "Find the smallest, at most one point less accurate",
  "find-best": "Find the best trade-off",
  [OWN]: "As in the text",
};
const FIRST_PIPELINE = { name: "base", exports: ["float32", "int8"] };
/** @type {UnionWords} */
const DATASETS = {
  titles: {
    builtin: "Built-in example",
    upload: "Upload an archive",
    folder: "Folder on the server",
    npz: "NumPy file on the server",
  },
};

/**
 * Ask the gateway what can be chosen.
 *
 * @returns {Promise<Pick<Form, "widgets" | "unions">>}
 */
export async function specWidgets() {
  const [{ methods }, { exports }, { architectures }, devices, figures] = await Promise.all([
    getJson("/v1/methods", {}),
    getJson("/v1/exports", {}),
    getJson("/v1/architectures", {}),
    getJson("/v1/devices", {}),
    fetchFigures(),
  ]);
  const widgets = {
    stages: stagesField(methods),
    exports: exportsField(exports),
    "evaluation.devices": devicesField(devices),
    "dataset.sha256": archiveField,
    "model.sha256": modelField,
    "student.sha256": modelField,
    search: searchField,
    pipelines: pipelinesField,
    ...goalFields(figures),
  };
  return { widgets, unions: { architecture: networks(architectures), kind: DATASETS } };
}

/**
 * Return what makes the fields for weights and limits, which are written in the units of the pages.
 *
 * @param {Figures} figures
 * @returns {Record<string, MakeField>}
 */
function goalFields(figures) {
  return Object.fromEntries(
    criteriaOf(figures).flatMap((figure) => [
      [`goals.weights.${figure.criterion.name}`, weightField(figure)],
      [`goals.${figure.criterion.limit}`, limitField(figure)],
    ]),
  );
}

/**
 * @param {CriterionFigure} figure
 * @returns {MakeField}
 */
function weightField({ criterion }) {
  return (_, schema) => textField(capitalized(criterion.title), schema);
}

/**
 * @param {CriterionFigure} figure
 * @returns {MakeField}
 */
function limitField(figure) {
  const { label, unit } = limitUnit(figure);
  const kind = figure.criterion.limit_kind;
  const help =
    kind === "drop" ? "Against the float32 file of the network trained without compression." : figure.description;
  const bound = `${kind === "least" ? "Minimum" : "Maximum"} ${label}`;
  return (form, schema) => textField(bound, withoutNull(form.document, schema), { unit, help });
}

/**
 * @param {Architecture[]} architectures
 * @returns {UnionWords}
 */
function networks(architectures) {
  const titles = architectures.map(({ name, title, parameters }) => [
    name,
    `${title}, ${(parameters / 1e6).toFixed(1)} million weights`,
  ]);
  const words = architectures.map(({ name, min_image_size: least, widths, paper }) => {
    const choice = widths.length > 1 ? ` Widths: ${widths.join(", ")}.` : "";
    return [name, `Images of at least ${least} pixels.${choice} ${paper}.`];
  });
  return {
    titles: { ...Object.fromEntries(titles), uploaded: "Your own model (upload)" },
    words: Object.fromEntries(words),
    first: architectures[0].name,
  };
}

/**
 * @param {Method[]} methods
 * @returns {MakeField}
 */
function stagesField(methods) {
  const titles = Object.fromEntries(methods.map((each) => [each.kind, each.title]));
  const words = Object.fromEntries(methods.map((each) => [each.kind, `${each.summary} ${each.limits}`]));
  return (form, schema, path) => {
    const items = resolved(form.document, schema.items ?? {});
    const described = { ...schema, description: "Without stages, the network is exported as trained." };
    return listField(described, path, { make: () => unionField(form, items, path, { titles, words, first: "prune" }) });
  };
}

/**
 * Make a box for each export, with its settings below it.
 *
 * @param {Export[]} exports
 * @returns {MakeField}
 */
function exportsField(exports) {
  return (form, schema, path) => {
    const items = resolved(form.document, schema.items ?? {});
    const alternatives = tagged(form.document, resolved(form.document, items.anyOf?.at(-1) ?? items));
    const error = el("p", { class: "error" });
    const entries = exports.map((each) => exportEntry(each, form, alternatives[each.kind], path));
    const chosen = () => entries.filter((entry) => entry.box.checked);
    return {
      element: el(
        "fieldset",
        { class: "group" },
        el("legend", {}, labelOf(path)),
        error,
        entries.map((entry) => entry.element),
      ),
      value: () => chosen().map(({ kind, settings }) => (settings.value() ? { kind, ...settings.value() } : kind)),
      set(value) {
        /** @type {(string | {kind: string})[]} */
        const wanted = value ?? FIRST_PIPELINE.exports;
        for (const entry of entries) {
          entry.choose(
            wanted.find((each) => each === entry.kind || (typeof each === "object" && each.kind === entry.kind)),
          );
        }
      },
      find(rest) {
        const entry = chosen()[Number(rest[0])];
        return entry && rest.length > 1 ? entry.settings.find(rest.slice(1)) : this;
      },
      complain: complaints(error, () => entries.map((entry) => entry.settings)),
    };
  };
}

/**
 * @param {Export} export_
 * @param {Form} form
 * @param {Schema} schema
 * @param {string} path
 */
function exportEntry({ kind, title, summary }, form, schema, path) {
  const box = el("input", { type: "checkbox", id: newId() });
  const settings = objectField(form, { ...schema, description: "" }, path, {
    label: `Settings of ${title}`,
    leftOut: ["kind"],
  });
  const show = () => {
    settings.element.hidden = !box.checked || Object.keys(settings.fields).length === 0;
  };
  /** @param {string | {kind: string} | undefined} chosen */
  const choose = (chosen) => {
    box.checked = chosen !== undefined;
    settings.set(typeof chosen === "object" ? chosen : undefined);
    show();
  };
  box.addEventListener("change", show);
  show();
  const element = el(
    "div",
    { class: "field check" },
    box,
    el("label", { for: box.id, title: summary }, title),
    settings.element,
  );
  return { kind, box, settings, choose, element };
}

/**
 * Make a choice between searches. A search with settings of its own is written in the text form, and kept as it is.
 *
 * @param {Form} _
 * @param {Schema} schema
 * @param {string} path
 * @returns {Field}
 */
function searchField(_, schema, path) {
  const presets = (schema.anyOf ?? []).find((each) => each.enum)?.enum ?? [];
  /** @type {unknown} */
  let own;
  const words = { default: NONE, description: schema.description };
  const choice = choiceField(labelOf(path), words, [NONE, ...presets, OWN], SEARCH_TITLES);
  return {
    ...choice,
    value: () => (choice.value() === OWN ? own : choice.value()),
    set(value) {
      own = value !== null && typeof value === "object" ? value : undefined;
      choice.set(own === undefined ? value : OWN);
    },
  };
}

/**
 * Make a choice between presets and custom pipelines, or none next to a search; see `followSearch`.
 *
 * @param {Form} form
 * @param {Schema} schema
 * @param {string} path
 * @returns {Field}
 */
function pipelinesField(form, schema, path) {
  const alternatives = schema.anyOf ?? [];
  const presets = alternatives.find((each) => each.enum)?.enum ?? [];
  const own = alternatives.find((each) => each.type === "array") ?? {};
  const choice = choiceField(labelOf(path), { default: schema.default }, [NONE, ...presets, OWN], PRESET_TITLES);
  const about = el("p", { class: "help" });
  const items = resolved(form.document, own.items ?? {});
  const list = listField({ ...own, default: [] }, path, {
    label: "Custom pipelines",
    make() {
      const field = objectField(form, items, path, { isBare: true });
      field.set(undefined);
      return field;
    },
  });
  const isOwn = () => choice.control.value === OWN;
  const named = () => (choice.control.value === NONE ? undefined : choice.control.value);
  const show = () => {
    about.textContent = PRESETS[choice.control.value] ?? "";
    list.element.hidden = !isOwn();
    if (isOwn() && list.value() === undefined) list.set([FIRST_PIPELINE]);
  };
  choice.control.addEventListener("change", show);
  show();
  return {
    element: el("div", {}, choice.element, about, list.element),
    control: choice.control,
    value: () => (isOwn() ? (list.value() ?? []) : named()),
    set(value) {
      choice.set(Array.isArray(value) ? OWN : value === null ? NONE : value);
      list.set(Array.isArray(value) ? value : []);
      show();
    },
    find: (rest) => (rest.length && isOwn() ? list.find(rest) : choice),
    complain(message) {
      choice.complain(message);
      if (!message) list.complain("");
    },
  };
}

/**
 * Keep the choice of pipelines consistent with the search: next to one, none are run unless they are chosen.
 *
 * @param {Record<string, Field>} fields Fields of a spec.
 */
export function followSearch({ search, pipelines }) {
  const control = /** @type {HTMLSelectElement} */ (pipelines.control);
  const follow = () => {
    const hasSearch = search.value() !== undefined;
    offerNone({ pipelines }, hasSearch);
    if (hasSearch && control.value === "quick") pipelines.set(null);
    if (!hasSearch && control.value === NONE) pipelines.set(undefined);
  };
  search.element.addEventListener("change", follow);
}

/**
 * Offer to run no pipelines but those of a search.
 *
 * @param {Record<string, Field>} fields Fields of a spec.
 * @param {boolean} hasSearch
 */
export function offerNone({ pipelines }, hasSearch) {
  const { options } = /** @type {HTMLSelectElement} */ (pipelines.control);
  options[0].disabled = !hasSearch;
}

/**
 * Make a box for each device and each label.
 *
 * @param {DeviceList} list
 * @returns {MakeField}
 */
function devicesField({ devices }) {
  /** @type {Record<string, string>} */
  const known = { any: "Any device that is free" };
  for (const device of devices) known[device.name] = `${device.name}${device.online ? "" : " (offline)"}`;
  for (const label of devices.flatMap((device) => device.announcement.labels)) {
    known[label] ??= `All devices with label ${label}`;
  }
  return (_form, schema, path) => {
    const error = el("p", { class: "error" });
    const place = el("div");
    /** @type {HTMLInputElement[]} */
    let boxes = [];
    /** @param {string[]} chosen */
    const draw = (chosen) => {
      boxes = [...new Set([...Object.keys(known), ...chosen])].map((value) =>
        el("input", { type: "checkbox", id: newId(), value, checked: chosen.includes(value) }),
      );
      const rows = boxes.map((box) =>
        el("div", { class: "field check" }, box, el("label", { for: box.id }, known[box.value] ?? box.value)),
      );
      fill(place, rows);
    };
    draw(schema.default);
    return {
      element: el("fieldset", { class: "group" }, el("legend", {}, labelOf(path)), error, place),
      value() {
        const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
        return JSON.stringify(chosen) === JSON.stringify(schema.default) ? undefined : chosen;
      },
      set: (value) => draw(value ?? schema.default),
      find() {
        return this;
      },
      complain: complaints(error, () => []),
    };
  };
}
