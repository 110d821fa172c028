/**
 * Reads the JSON Schemas of the API: which form a value has, what it may be, and what is said of it.
 *
 * Only what the API itself writes is understood: `$ref` within its document, `anyOf`, `oneOf` with a `discriminator`, and
 * the plain keywords.
 */

/** The part of a document that a schema refers to, what is said beside the reference kept. */
export function resolved(document, schema) {
  let found = schema;
  while (found.$ref) {
    const { $ref, ...beside } = found;
    const target = $ref.slice(2).split("/").reduce((node, name) => node[name], document);
    found = { ...target, ...beside };
  }
  return found;
}

/** The alternatives of a value, null left out. */
export function options(document, schema) {
  return (schema.anyOf ?? schema.oneOf ?? []).map((each) => resolved(document, each)).filter((each) => each.type !== "null");
}

/** Whether a value may be null. */
export function mayBeNull(schema) {
  return (schema.anyOf ?? []).some((each) => each.type === "null");
}

/** A schema without its null: the one alternative there is, with what is said of the whole. */
export function withoutNull(document, schema) {
  const found = options(document, schema);
  if (!mayBeNull(schema) || found.length !== 1) return schema;
  const { anyOf, ...beside } = schema;
  return { ...found[0], ...beside };
}

/** By their tags, the alternatives of a union that a field tells apart. */
export function tagged(document, schema) {
  return Object.fromEntries(
    Object.entries(schema.discriminator.mapping).map(([tag, $ref]) => [tag, resolved(document, { $ref })]),
  );
}

/** What is said of it, as a sentence or two for people. */
export function description(schema) {
  return (schema.description ?? "").replaceAll("`", "").split("\n\n")[0].replaceAll("\n", " ");
}

/** What it may be, in a few words. */
export function limits(schema) {
  const least = schema.minimum ?? schema.exclusiveMinimum;
  const most = schema.maximum ?? schema.exclusiveMaximum;
  const from = least === undefined ? "" : `${schema.minimum === undefined ? "above" : "from"} ${least}`;
  const to = most === undefined ? "" : `${schema.maximum === undefined ? "below" : "to"} ${most}`;
  return [from, to].filter(Boolean).join(" ");
}

/** Whether two values say the same. */
export function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
