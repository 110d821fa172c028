/**
 * Completes the text of a spec by its JSON Schema: names of fields, and values that a schema lists.
 *
 * @import { Path, Schema, SpecSchema } from "../types.js"
 * @import { Completion, CompletionContext, CompletionResult } from "../vendor/editor_parts.js"
 */

import { isMap, isPair, isScalar, isSeq } from "./editor.js";
import { description, limits, options, resolved } from "./schema.js";
import { parsed } from "./spec_text.js";

const MARK = "completedHere"; // stands for the word at the cursor while the text is parsed
const WORD = /[\w-]*$/;
const BEGINS_LINE = /^\s*(?:-\s+)*[\w-]*$/;

/**
 * Return the source of completions for a schema.
 *
 * @param {SpecSchema} schema
 * @returns {(context: CompletionContext) => CompletionResult | null}
 */
export function completions(schema) {
  return (context) => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const word = WORD.exec(before)?.[0] ?? "";
    const isQuoted = /["']$/.test(before.slice(0, before.length - word.length));
    if (isComment(before) || isQuoted || (!word && !context.explicit && !/[:{[,-]\s+$|[{[]$/.test(before))) return null;
    const from = context.pos - word.length;
    const beginsLine = BEGINS_LINE.test(before);
    const hasColon = /^[\w-]*\s*:/.test(line.text.slice(context.pos - line.from));
    const found = whereIs(context.state.doc.toString(), from, context.pos, beginsLine && !hasColon);
    if (!found) return null;
    const candidates = schemasAt(schema, found.data, found.path);
    const values = found.isName && !found.isFirstOfItem ? [] : candidates.flatMap(valuesOf);
    const names = found.isName || beginsLine ? namesOf(schema, candidates, found.siblings, !hasColon) : [];
    const choices = unique([...names, ...values]);
    return choices.length ? { from, options: choices, validFor: /^[\w-]*$/ } : null;
  };
}

/** @param {string} before */
function isComment(before) {
  return /(?:^|\s)#/.test(before);
}

/**
 * Find the word at the cursor in the structure of the text.
 *
 * @param {string} text
 * @param {number} from
 * @param {number} to
 * @param {boolean} isLine Whether the word is alone in its line, so that it may be a name without its colon.
 */
function whereIs(text, from, to, isLine) {
  const document_ = parsed(`${text.slice(0, from)}${MARK}${isLine ? ":" : ""}${text.slice(to)}`);
  const path = pathTo(document_.contents, []);
  if (!path) return null;
  const { at, isName, siblings } = path;
  /** @type {unknown} */
  let data;
  try {
    data = document_.toJS();
  } catch {
    return null;
  }
  // A name alone may be the value of the field above, or an item of a list: its place has no other names.
  return { path: at, isName, siblings, data, isFirstOfItem: isName && siblings.length === 0 };
}

/**
 * @param {unknown} node
 * @param {Path} at
 * @returns {{at: Path, isName: boolean, siblings: string[]} | null} Path of the object, for a name; else of the value.
 */
function pathTo(node, at) {
  if (isScalar(node)) return node.value === MARK ? { at, isName: false, siblings: [] } : null;
  if (isMap(node)) {
    const names = node.items.map(({ key }) => String(isScalar(key) ? key.value : key));
    if (names.includes(MARK)) return { at, isName: true, siblings: names.filter((name) => name !== MARK) };
    return first(node.items, (pair, index) => isPair(pair) && pathTo(pair.value, [...at, names[index]]));
  }
  return isSeq(node) ? first(node.items, (item, index) => pathTo(item, [...at, index])) : null;
}

/**
 * @template Item, Found
 * @param {Item[]} items
 * @param {(item: Item, index: number) => Found | null | false} look
 */
function first(items, look) {
  for (const [index, item] of items.entries()) {
    const found = look(item, index);
    if (found) return found;
  }
  return null;
}

/**
 * Return the schemas that the value at a path can have.
 *
 * @param {SpecSchema} schema
 * @param {any} data
 * @param {Path} path
 */
function schemasAt(schema, data, path) {
  let candidates = alternatives(schema, schema, data);
  let value = data;
  for (const part of path) {
    value = value?.[part];
    const inside = candidates.flatMap(
      (each) => (typeof part === "number" ? each.items : each.properties?.[part]) ?? [],
    );
    candidates = inside.flatMap((each) => alternatives(schema, each, value));
  }
  return candidates;
}

/**
 * Return the alternatives of a schema, without null: the one whose tag the value has, if there is one.
 *
 * @param {SpecSchema} document_
 * @param {Schema} given
 * @param {any} value
 * @returns {Schema[]}
 */
function alternatives(document_, given, value) {
  const schema = resolved(document_, given);
  const found = options(document_, schema);
  if (found.length === 0) return [schema];
  const tag = schema.discriminator?.propertyName;
  const chosen = tag && schema.discriminator?.mapping[value?.[tag]];
  if (chosen) return [resolved(document_, { $ref: chosen })];
  return found.flatMap((each) => alternatives(document_, each, value));
}

/**
 * @param {SpecSchema} document_
 * @param {Schema[]} candidates
 * @param {string[]} present
 * @param {boolean} hasColon Whether the colon is written too.
 * @returns {Completion[]}
 */
function namesOf(document_, candidates, present, hasColon) {
  const all = candidates.flatMap((each) => Object.entries(each.properties ?? {}));
  const missing = all.filter(([name]) => !present.includes(name));
  return missing.map(([name, given]) => {
    const schema = resolved(document_, given);
    const apply = hasColon ? `${name}: ` : name;
    return { label: name, apply, type: "property", detail: detailOf(schema), info: description(schema) || undefined };
  });
}

/** @param {Schema} schema */
function detailOf(schema) {
  const { default: usual } = schema;
  if (usual === undefined || usual === null) return limits(schema);
  const written = typeof usual === "object" ? "" : String(usual);
  return [limits(schema), written && `default ${written}`].filter(Boolean).join(", ");
}

/**
 * @param {Schema} schema
 * @returns {Completion[]}
 */
function valuesOf(schema) {
  const listed = schema.const !== undefined ? [schema.const] : (schema.enum ?? []);
  const values = schema.type === "boolean" ? [true, false] : listed;
  return values.map((value) => ({ label: String(value), type: "enum" }));
}

/** @param {Completion[]} choices */
function unique(choices) {
  return [...new Map(choices.map((each) => [each.label, each])).values()];
}
