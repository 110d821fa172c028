/** Labels of the form: what people call the fields of a spec, by the ends of their paths. The longest end that fits counts. */

/** @type {Record<string, string>} */
const LABELS = {
  "dataset.kind": "Data set",
  dataset: "Data set",
  "dataset.name": "Built-in data set",
  "dataset.path": "Path on the server",
  "dataset.validation": "Part to validate on",
  sha256: "File",
  image_size: "Image size, pixels",
  max_unreadable_share: "Unreadable images allowed, share",
  validation_fraction: "Share of images for validation",
  split_seed: "Seed of the split",
  "model.architecture": "Network",
  model: "Network",
  "student.architecture": "Student network",
  "stages.kind": "Method",
  "schedule.kind": "Schedule",
  "target.of": "What is counted",
  "target.keep": "Share that is kept",
  "target.latency": "A latency on a device instead",
  "latency.ms": "Latency, ms",
  multiple_of: "Channels in multiples of",
  min_channels: "Channels of a layer, at least",
  "model.weights": "Initial weights",
  "student.weights": "Initial weights",
  pixels: "Pixel range",
  batch_norm_momentum: "Batch normalization momentum",
  alpha: "Weight of the labels (alpha)",
  "evaluation.threads": "Threads",
  warmup_runs: "Warm-up runs",
  runs: "Timed runs",
  full_pass: "Time the whole validation set",
  "evaluation.energy": "Measure energy",
  evaluation: "Measurement",
  limits: "Time limits",
  step_hours: "Time limit of a step, hours",
  job_hours: "Time limit of the job, hours",
  webhook: "Notify a webhook",
  "webhook.url": "URL",
  "webhook.secret": "Signing secret",
  notify: "Notify people",
  "notify.kind": "By",
  "notify.to": "E-mail address",
  "notify.url": "Address of the incoming webhook",
  "notify.token": "Access token",
  "notify.when": "Occasions",
  seeds: "Number of seeds",
  goals: "Goals of the recommendation",
  "goals.method": "Ranking method",
  preferences: "Pairwise preferences",
  more: "More important",
  than: "Than",
  times: "How much more important",
};

/** What an item of a list is called, if it is not the field's name without an s. @type {Record<string, string>} */
const ITEMS = { notify: "recipient" };

/**
 * Return what an item of a list is called.
 *
 * @param {string} path Where the list is in the spec.
 */
export function itemNoun(path) {
  const name = path.slice(path.lastIndexOf(".") + 1);
  return ITEMS[name] ?? name.replaceAll("_", " ").replace(/s$/, "");
}

/**
 * Return the label of a field.
 *
 * @param {string} path Where the field is in the spec, without the numbers of list items.
 */
export function labelOf(path) {
  const names = path.split(".");
  for (let first = 0; first < names.length; first++) {
    const label = LABELS[names.slice(first).join(".")];
    if (label) return label;
  }
  return titleOf(names[names.length - 1]);
}

/**
 * Write a name as a title: `batch_size` as `Batch size`.
 *
 * @param {string} name
 */
export function titleOf(name) {
  const words = name.replaceAll("_", " ");
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
