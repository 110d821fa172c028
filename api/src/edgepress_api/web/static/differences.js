/**
 * Finds the single settings in which values of a spec differ, so that a table can show them.
 *
 * An item of a list is named by its `name` or `kind`, or by its number.
 */

/**
 * Return the settings in which values differ.
 *
 * @param {string} field The name of the values in the spec.
 * @param {unknown[]} values One value for each job.
 * @returns {{field: string, values: string[]}[]} Each setting with its value in each job; a dash where a job has none.
 */
export function settingsThatDiffer(field, values) {
  const settings = values.map((value) => new Map(leaves(field, value)));
  const names = [...new Set(settings.flatMap((each) => [...each.keys()]))];
  return names
    .map((name) => ({ field: name, values: settings.map((each) => each.get(name) ?? "-") }))
    .filter((each) => new Set(each.values).size > 1);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {[string, string][]}
 */
function leaves(name, value) {
  if (value === null || value === undefined) return [];
  if (typeof value !== "object") return [[name, String(value)]];
  if (!Array.isArray(value)) return Object.entries(value).flatMap(([key, each]) => leaves(`${name}.${key}`, each));
  if (value.every((each) => typeof each !== "object")) return [[name, value.join(", ") || "none"]];
  return value.flatMap((each, index) => leaves(`${name}[${labelOf(each, index)}]`, withoutName(each)));
}

/**
 * @param {any} item
 * @param {number} index
 */
function labelOf(item, index) {
  if (typeof item !== "object") return String(index + 1);
  return item?.name ?? (item?.kind ? `${index + 1} ${item.kind}` : String(index + 1));
}

/** @param {any} item */
function withoutName(item) {
  if (typeof item !== "object" || item === null) return item;
  const rest = { ...item };
  delete rest[rest.name === undefined ? "kind" : "name"];
  return Object.keys(rest).length > 0 ? rest : "yes";
}
