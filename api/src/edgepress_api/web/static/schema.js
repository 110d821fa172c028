/**
 * Reads the JSON Schemas of the API: what forms a value can have, what is accepted, and how it is described.
 *
 * It understands what the API itself writes: `$ref` within the document, `anyOf`, `oneOf` with a `discriminator`, and the
 * plain keywords.
 *
 * @import { SpecSchema, Schema } from "../types.js"
 */

/**
 * Return the schema that a schema refers to, together with the keywords next to the reference.
 *
 * @param {SpecSchema} document_
 * @param {Schema} schema
 * @returns {Schema}
 */
export function resolved(document_, schema) {
  let found = schema;
  while (found.$ref) {
    const { $ref, ...others } = found;
    found = { ...document_.$defs[$ref.slice($ref.lastIndexOf("/") + 1)], ...others };
  }
  return found;
}

/**
 * Return the alternatives of a value, without null.
 *
 * @param {SpecSchema} document_
 * @param {Schema} schema
 */
export function options(document_, schema) {
  const alternatives = (schema.anyOf ?? schema.oneOf ?? []).map((each) => resolved(document_, each));
  return alternatives.filter((each) => each.type !== "null");
}

/**
 * Return whether a value may be null.
 *
 * @param {Schema} schema
 */
export function mayBeNull(schema) {
  return (schema.anyOf ?? []).some((each) => each.type === "null");
}

/**
 * Return a schema without its null: the only other alternative, with the keywords of the whole.
 *
 * @param {SpecSchema} document_
 * @param {Schema} schema
 * @returns {Schema}
 */
export function withoutNull(document_, schema) {
  const found = options(document_, schema);
  if (!mayBeNull(schema) || found.length !== 1) return schema;
  const others = { ...schema };
  delete others.anyOf;
  return { ...found[0], ...others };
}

/**
 * Return the alternatives of a union by their tags.
 *
 * @param {SpecSchema} document_
 * @param {Schema} schema
 * @returns {Record<string, Schema>}
 */
export function tagged(document_, schema) {
  const mapping = Object.entries(schema.discriminator?.mapping ?? {});
  return Object.fromEntries(mapping.map(([tag, $ref]) => [tag, resolved(document_, { $ref })]));
}

/**
 * Return the first paragraph of the description, as plain text.
 *
 * @param {Schema} schema
 */
export function description(schema) {
  return (schema.description ?? "").replaceAll("`", "").split("\n\n")[0].replaceAll("\n", " ");
}

/**
 * Return the accepted range in words: `0 to 4294967295`. Bounds that only keep numbers exact are left out.
 *
 * @param {Schema} schema
 * @param {number} [unit] The amount that the user writes as 1.
 */
export function limits(schema, unit = 1) {
  const isWhole = schema.type === "integer" && unit === 1;
  let { minimum: least, maximum: most, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  if (isWhole && above !== undefined) [least, above] = [above + 1, undefined];
  if (isWhole && below !== undefined) [most, below] = [below - 1, undefined];
  const largest = isWhole ? Number.MAX_SAFE_INTEGER : 1e9;
  if (most !== undefined && most >= largest) most = undefined;
  /** @param {number} value */
  const written = (value) => String(Number((value / unit).toPrecision(12)));
  if (least !== undefined && most !== undefined) return `${written(least)} to ${written(most)}`;
  const from =
    least !== undefined ? `at least ${written(least)}` : above !== undefined ? `more than ${written(above)}` : "";
  const to = most !== undefined ? `at most ${written(most)}` : below !== undefined ? `less than ${written(below)}` : "";
  return [from, to].filter(Boolean).join(", ");
}

/**
 * Return whether two values are equal as JSON.
 *
 * @param {unknown} one
 * @param {unknown} other
 */
export function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
