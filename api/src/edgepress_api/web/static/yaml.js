/** Writes plain data as YAML that people like to read; the gateway is who reads it. */

const PLAIN = /^[A-Za-z][A-Za-z0-9 ._/-]*$/;
const WORDS = /^(true|false|yes|no|on|off|null|y|n)$/i;

/** A mapping as YAML, in block style. */
export function toYaml(value) {
  return block(value, "").join("\n") + "\n";
}

function block(value, indent) {
  if (Array.isArray(value)) {
    return value.flatMap((each) => {
      const [first, ...rest] = isNested(each) ? block(each, `${indent}  `) : [scalar(each)];
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  return Object.entries(value).flatMap(([name, each]) =>
    isNested(each) ? [`${indent}${name}:`, ...block(each, `${indent}  `)] : [`${indent}${name}: ${scalar(each)}`],
  );
}

function isNested(value) {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0 && !isFlat(value);
}

function isFlat(value) {
  return Array.isArray(value) && value.every((each) => typeof each !== "object");
}

function scalar(value) {
  if (isFlat(value)) return `[${value.map(scalar).join(", ")}]`;
  const isPlain = typeof value === "string" && PLAIN.test(value) && !WORDS.test(value) && value.trim() === value;
  return isPlain ? value : JSON.stringify(value);
}
