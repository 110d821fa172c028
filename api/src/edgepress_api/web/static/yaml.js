/** Writes plain data as readable YAML for the gateway. */

const PLAIN = /^[A-Za-z][A-Za-z0-9 ._/-]*$/;
const WORDS = /^(true|false|yes|no|on|off|null|y|n)$/i;

/**
 * Write a mapping as YAML in block style.
 *
 * @param {Record<string, unknown>} value
 */
export function toYaml(value) {
  return `${block(value, "").join("\n")}\n`;
}

/**
 * @param {unknown} value
 * @param {string} indent
 * @returns {string[]}
 */
function block(value, indent) {
  if (Array.isArray(value)) {
    return value.flatMap((each) => {
      const [first, ...rest] = isNested(each) ? block(each, `${indent}  `) : [scalar(each)];
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  return Object.entries(/** @type {object} */ (value)).flatMap(([name, each]) =>
    isNested(each) ? [`${indent}${name}:`, ...block(each, `${indent}  `)] : [`${indent}${name}: ${scalar(each)}`],
  );
}

/** @param {unknown} value */
function isNested(value) {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0 && !isFlat(value);
}

/** @param {unknown} value */
function isFlat(value) {
  return Array.isArray(value) && value.every((each) => typeof each !== "object");
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function scalar(value) {
  if (Array.isArray(value) && isFlat(value)) return `[${value.map(scalar).join(", ")}]`;
  const isPlain = typeof value === "string" && PLAIN.test(value) && !WORDS.test(value) && value.trim() === value;
  return isPlain ? value : JSON.stringify(value);
}
