/**
 * What each view shows: as a request of the API, as a call of the Python client, and as a command. One declaration a view;
 * `copy_menu.js` writes them.
 *
 * @typedef {object} Copied
 * @property {string} title What is requested.
 * @property {string} path Of the API, without the slash in front.
 * @property {URLSearchParams} [query]
 * @property {string} python An expression with `client`.
 * @property {string[]} command Arguments of `edgepress`.
 * @property {{text: string, type: string}} [body] What is posted. The command reads it from standard input.
 */

const GOALS = /^(?:weight_.+|max_.+|min_.+|method|prefer)$/;

/**
 * @param {URLSearchParams} query Filters, as the API names them.
 * @returns {Copied}
 */
export function jobsCopied(query) {
  const names = { q: "words", tag: "tags" };
  const options = { q: "--search", created_from: "--since" };
  const filters = [...query].filter(([name]) => name !== "page_token");
  const call = filters.map(([name, value]) => {
    if (name === "created_from") return `created_from=datetime.fromisoformat(${inPython(value)})`;
    return `${Reflect.get(names, name) ?? name}=${inPython(name === "tag" ? [value] : value)}`;
  });
  const command = filters.flatMap(([name, value]) => [
    Reflect.get(options, name) ?? `--${name}`,
    localTime(name, value),
  ]);
  return {
    title: "Jobs",
    path: "v1/jobs",
    query: new URLSearchParams(filters),
    python: `list(client.jobs.list(${["20", ...call].join(", ")}))`,
    command: ["jobs", ...command],
  };
}

/**
 * @param {string} job
 * @returns {Copied}
 */
export function jobCopied(job) {
  return {
    title: "Job",
    path: `v1/jobs/${job}`,
    python: `client.jobs.get(${inPython(job)}).view()`,
    command: ["show", job],
  };
}

/**
 * @param {string} job
 * @param {URLSearchParams} query Goals, as the API names them.
 * @returns {Copied}
 */
export function reportCopied(job, query) {
  return { ...withGoals(job, query, "report"), title: "Report", command: ["report", job, ...goalOptions(query)] };
}

/**
 * @param {string} job
 * @param {URLSearchParams} query Goals, as the API names them.
 * @returns {Copied}
 */
export function recommendationCopied(job, query) {
  const command = ["recommend", job, ...goalOptions(query)];
  return { ...withGoals(job, query, "recommendation"), title: "Recommendation", command };
}

/**
 * @param {string} job
 * @param {string} sha256
 * @returns {Copied}
 */
export function fileCopied(job, sha256) {
  const rows = `client.jobs.get(${inPython(job)}).report().rows`;
  return {
    title: "Report with the file",
    path: `v1/jobs/${job}/report`,
    python: `[row for row in ${rows} if row.model_sha256 == ${inPython(sha256)}]`,
    command: ["report", job],
  };
}

/**
 * @param {string} job
 * @param {string} sha256
 * @param {URLSearchParams} query
 * @returns {Copied}
 */
export function errorsCopied(job, sha256, query) {
  const options = { selection: "--show", against: "--against", split: "--split" };
  const classes = { true_class: "--true", predicted_class: "--predicted" };
  return {
    title: "Errors",
    path: `v1/jobs/${job}/models/${sha256}/errors`,
    query,
    python: `client.jobs.get(${inPython(job)}).errors(${inPython(sha256)}, ${inPython(Object.fromEntries(query))})`,
    command: ["errors", job, sha256, ...optionsOf(query, { ...options, ...classes })],
  };
}

/**
 * @param {string} source Id of a job, or SHA-256 of an upload.
 * @param {URLSearchParams} query
 * @returns {Copied}
 */
export function samplesCopied(source, query) {
  return {
    title: "Data set",
    path: `v1/datasets/${source}/samples`,
    query,
    python: `client.datasets.samples(${inPython(source)}, ${inPython(Object.fromEntries(query))})`,
    command: ["samples", source, ...optionsOf(query, { split: "--split", class_name: "--class" })],
  };
}

/**
 * @param {string} job
 * @returns {Copied}
 */
export function trialsCopied(job) {
  const call = `client.jobs.get(${inPython(job)}).trials()`;
  return { title: "Trials", path: `v1/jobs/${job}/trials`, python: call, command: ["trials", job] };
}

/** @returns {Copied} */
export function devicesCopied() {
  return { title: "Devices", path: "v1/devices", python: "client.devices.list()", command: ["devices"] };
}

/**
 * @param {string} name
 * @returns {Copied}
 */
export function latencyModelCopied(name) {
  return {
    title: `Latency model of ${name}`,
    path: `v1/devices/${name}/latency-model`,
    python: `client.devices.latency_model(${inPython(name)})`,
    command: ["latency-model", name],
  };
}

/**
 * @param {string[]} jobs
 * @returns {Copied}
 */
export function comparisonCopied(jobs) {
  return {
    title: "Comparison",
    path: "v1/comparison",
    query: new URLSearchParams(jobs.map((job) => ["job", job])),
    python: `client.jobs.compare(${inPython(jobs)})`,
    command: ["compare", ...jobs],
  };
}

/** @returns {Copied} */
export function comparisonsCopied() {
  const call = "client.comparisons.list()";
  return { title: "Pinned comparisons", path: "v1/comparisons", python: call, command: ["comparisons"] };
}

/**
 * @param {string} text
 * @param {string} type
 * @param {Record<string, unknown> | null} data The same as data; null for a text that is not an object.
 * @returns {Copied}
 */
export function specCopied(text, type, data) {
  return {
    title: "Create this job",
    path: "v1/jobs",
    python: `client.jobs.submit(${inPython(data ?? {})})`,
    command: ["submit", "-"],
    body: { text, type },
  };
}

/**
 * Write data as Python.
 *
 * @param {unknown} value
 * @returns {string}
 */
function inPython(value) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(inPython).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${entries.map(([name, each]) => `${JSON.stringify(name)}: ${inPython(each)}`).join(", ")}}`;
}

/**
 * @param {string} job
 * @param {URLSearchParams} query
 * @param {"report" | "recommendation"} what
 */
function withGoals(job, query, what) {
  const goals = new URLSearchParams([...query].filter(([name]) => GOALS.test(name)));
  if (goals.size) goals.set("spec_goals", "false");
  const given = goals.size ? inPython(Object.fromEntries(goals)) : "";
  return {
    path: `v1/jobs/${job}/${what}`,
    query: goals,
    python: `client.jobs.get(${inPython(job)}).${what}(${given})`,
  };
}

/** @param {URLSearchParams} query */
function goalOptions(query) {
  const goals = [...query].filter(([name]) => GOALS.test(name));
  const options = goals.flatMap(([name, value]) => {
    if (name.startsWith("weight_")) return ["--weight", `${name.slice("weight_".length)}=${value}`];
    return name === "method" || name === "prefer" ? [`--${name}`, value] : ["--limit", `${name}=${value}`];
  });
  return goals.length ? [...options, "--ignore-spec-goals"] : [];
}

/**
 * @param {URLSearchParams} query
 * @param {Record<string, string>} options By the API's names; others have no option.
 */
function optionsOf(query, options) {
  return [...query].flatMap(([name, value]) => (name in options ? [options[name], value] : []));
}

/**
 * Write a moment as the command line reads it; other values as they are.
 *
 * @param {string} name
 * @param {string} value
 */
function localTime(name, value) {
  if (name !== "created_from") return value;
  const moment = new Date(value);
  return new Date(moment.getTime() - 60_000 * moment.getTimezoneOffset()).toISOString().slice(0, 19);
}
