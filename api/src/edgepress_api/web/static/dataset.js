/**
 * Shows how many images of each class are in each split of the data set.
 *
 * @import { StepDetail } from "../types.js"
 * @typedef {Extract<StepDetail["result"], {kind: "pack"}>} Pack
 */

import { getJson } from "./api.js";
import { foldedRows } from "./augmented.js";
import { at, el, fill, table } from "./dom.js";

let shown = "";

/**
 * Show the counts that a finished packing step has found.
 *
 * @param {string} key Key of the step.
 * @param {string | null} augmented Id of the job if its training has augmentation, else null.
 */
export async function showDataset(key, augmented) {
  if (key === shown) return;
  const { result } = await getJson("/v1/steps/{key}", { key });
  if (result?.kind !== "pack") return;
  shown = key;
  at("dataset").hidden = false;
  fill(at("dataset-counts"), counts(result), augmented && foldedRows(augmented));
}

/** @param {Pack} pack */
function counts({ classes, train_counts: train, validation_counts: validation, test_counts: test }) {
  const splits = [
    { title: "Training", counts: train },
    { title: "Validation", counts: validation },
    ...(test ? [{ title: "Test", counts: test }] : []),
  ];
  const columns = [{ title: "Class" }, ...splits.map(({ title }) => ({ title, number: true }))];
  const rows = classes.map((name, index) => [name, ...splits.map((split) => split.counts[index])]);
  const totals = splits.map(({ title, counts: each }) => `${sum(each).toLocaleString("en")} ${title.toLowerCase()}`);
  const words = `${classes.length} classes; ${totals.join(", ")} images. ${test ? HELD_OUT : NOT_HELD_OUT}`;
  return [
    el("p", { class: "small" }, words),
    el(
      "p",
      {},
      el(
        "a",
        { class: "button plain small", href: `${location.pathname.replace(/\/$/, "")}/data` },
        "Look at the images",
      ),
    ),
    el("details", {}, el("summary", {}, "Images by class"), table("Images by class", columns, rows)),
  ];
}

const HELD_OUT = "The test images are only used for final figures; no decision sees them.";
const NOT_HELD_OUT = "The data set has no test split: set dataset.test_fraction, or add a test folder.";

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
