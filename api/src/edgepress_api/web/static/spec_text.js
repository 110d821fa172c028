/**
 * Reads and changes the text of a spec. It reads YAML as the gateway does, and JSON, which is YAML.
 *
 * @import { Path } from "../types.js"
 * @import { Document as Doc, Node } from "../vendor/editor_parts.js"
 * @typedef {{from: number, to: number}} Place Characters of the text.
 */

import { Document, isMap, isNode, isScalar, isSeq, parseDocument } from "./editor.js";
import { isSame } from "./schema.js";

// The gateway reads the booleans of YAML 1.1 and the numbers of YAML 1.2; dates and 2:4 are text.
const BOOLEAN = {
  identify: (/** @type {unknown} */ value) => typeof value === "boolean",
  default: true,
  tag: "tag:yaml.org,2002:bool",
  test: /^(?:[Yy]es|YES|[Nn]o|NO|[Tt]rue|TRUE|[Ff]alse|FALSE|[Oo]n|ON|[Oo]ff|OFF)$/,
  resolve: (/** @type {string} */ text) => /^(?:yes|true|on)$/i.test(text),
};
const SCHEMA = {
  schema: "core",
  merge: true,
  customTags: (/** @type {import("yaml").Tags} */ tags) => [BOOLEAN, ...tags],
};
const WRITING = { lineWidth: 0, flowCollectionPadding: false };
const TAGS = ["kind", "architecture"]; // of unions: other alternatives have other fields

/**
 * Parse the text of a spec, as far as it can be parsed.
 *
 * @param {string} text
 * @returns {Doc}
 */
export function parsed(text) {
  return parseDocument(text, { ...SCHEMA, prettyErrors: false, logLevel: "silent" });
}

/**
 * Return the data of a text; null if the text is not an object in YAML or JSON.
 *
 * @param {string} text
 * @returns {Record<string, unknown> | null}
 */
export function dataOf(text) {
  const document_ = parsed(text);
  if (document_.errors.length) return null;
  if (document_.contents === null) return {};
  try {
    return isMap(document_.contents) ? document_.toJS() : null;
  } catch {
    return null; // aliases that stand for too many values
  }
}

/**
 * Write data as YAML.
 *
 * @param {Record<string, unknown>} data
 */
export function textOf(data) {
  const document_ = new Document(data);
  flatten(document_.contents);
  return written(document_);
}

/**
 * Change what differs between two states of the form in a text. The rest of the text stays, with its comments.
 *
 * @param {string} text
 * @param {Record<string, unknown>} before
 * @param {Record<string, unknown>} after
 */
export function patched(text, before, after) {
  if (isSame(before, after)) return text;
  const document_ = parsed(text);
  if (document_.contents === null) return textOf(after);
  change(document_, [], before, after);
  return isJson(text) ? `${JSON.stringify(document_.toJS(), null, 2)}\n` : written(document_);
}

/**
 * Write a document so that readers of YAML 1.1 understand it too.
 *
 * @param {Doc} document_
 */
function written(document_) {
  // Not when it is parsed: with this option, the package can't read a mapping that is not closed yet.
  document_.setSchema("1.2", { ...SCHEMA, compat: "yaml-1.1" });
  return document_.toString(WRITING);
}

/** @param {string} text */
export function isJson(text) {
  return text.trimStart().startsWith("{");
}

/**
 * Split `pipelines[0].stages[1].kind` into names and numbers.
 *
 * @param {string} path
 * @returns {Path}
 */
export function partsOf(path) {
  const parts = path.split(/[.[\]]+/).filter(Boolean);
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/**
 * Return where the value of a path is in a text: its last name, if the path leads to a name without a value or ends early.
 *
 * @param {string} text
 * @param {Path} path
 * @param {boolean} [isName] Whether the name is meant, not its value.
 * @returns {Place}
 */
export function placeOf(text, path, isName = false) {
  /** @type {unknown} */
  let node = parsed(text).contents;
  /** @type {unknown} */
  let name = null;
  for (const part of path) {
    const found = below(node, part);
    if (!found) return rangeOf(name) ?? { from: 0, to: 0 };
    [name, node] = found;
  }
  const isShort = isScalar(node) && rangeOf(node)?.from !== rangeOf(node)?.to;
  return (!isName && isShort ? rangeOf(node) : rangeOf(name)) ?? rangeOf(node) ?? { from: 0, to: 0 };
}

/**
 * @param {unknown} node
 * @param {string | number} part
 * @returns {[name: unknown, value: unknown] | null} The name of an item of a list is the item.
 */
function below(node, part) {
  if (isSeq(node) && typeof part === "number" && part < node.items.length) {
    return [node.items[part], node.items[part]];
  }
  if (!isMap(node)) return null;
  const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(part));
  return pair ? [pair.key, pair.value] : null;
}

/**
 * @param {unknown} node
 * @returns {Place | null}
 */
function rangeOf(node) {
  if (!isNode(node) || !node.range) return null;
  const [from, to] = node.range;
  return { from, to };
}

/**
 * @param {Doc} document_
 * @param {Path} path
 * @param {any} before
 * @param {any} after
 */
function change(document_, path, before, after) {
  if (isSame(before, after)) return;
  if (after === undefined) {
    document_.deleteIn(path);
    return;
  }
  const node = path.length ? document_.getIn(path, true) : document_.contents;
  const isList = isSeq(node) && Array.isArray(before) && Array.isArray(after) && before.length === after.length;
  const isObject = isMap(node) && isPlain(before) && isPlain(after) && TAGS.every((tag) => before[tag] === after[tag]);
  if (isList || isObject) {
    const parts = isList ? [...after.keys()] : new Set([...Object.keys(before), ...Object.keys(after)]);
    for (const part of parts) change(document_, [...path, part], before[part], after[part]);
    return;
  }
  const made = document_.createNode(after);
  flatten(made);
  document_.setIn(path, made);
}

/** @param {unknown} value */
function isPlain(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Write lists of single values in one line.
 *
 * @param {Node | null} node
 */
function flatten(node) {
  if (isSeq(node)) {
    node.flow = node.items.length > 0 && node.items.every(isScalar);
    for (const item of node.items) flatten(/** @type {Node} */ (item));
  } else if (isMap(node)) {
    for (const { value } of node.items) flatten(/** @type {Node | null} */ (value));
  }
}
