/**
 * Shows what a training saw of a few images: a row for each image, as it is and in the first epochs.
 *
 * @import { Samples } from "../types.js"
 */

import { failed, getJson } from "./api.js";
import { el } from "./dom.js";
import { figure } from "./gallery.js";

/**
 * Return the words and the rows of images; nothing without augmented images.
 *
 * @param {Samples} found
 */
export function augmentedRows({ augmented, dataset }) {
  if (!augmented || !dataset) return [];
  const { images_sha256: changed, originals_sha256: originals } = augmented;
  return [
    el("p", { class: "soft small" }, augmented.words),
    ...augmented.images.map(({ index, label, rows }) => {
      const name = `Image ${index}, ${dataset.classes[label]}`;
      return el(
        "ul",
        { class: "gallery", "aria-label": name },
        el("li", {}, figure(originals, index, `${name}, as it is`, dataset.classes[label])),
        rows.map((row, epoch) =>
          el("li", {}, figure(changed, row, `${name}, as training saw it in epoch ${epoch + 1}`, `epoch ${epoch + 1}`)),
        ),
      );
    }),
  ];
}

/**
 * Return a folded list of the augmented images of a job, which are fetched when it is opened.
 *
 * @param {string} job
 */
export function foldedRows(job) {
  const place = el("div", {});
  const folded = el("details", {}, el("summary", {}, "Images as training sees them"), place);
  const show = async () => {
    if (!folded.open || place.querySelector("img")) return;
    const rows = augmentedRows(await getJson("/v1/datasets/{source}/samples", { source: job }, ONE));
    place.replaceChildren(...(rows.length ? rows : [el("p", { class: "soft small" }, NONE)]));
  };
  folded.addEventListener("toggle", () => show().catch(failed));
  return folded;
}

const ONE = new URLSearchParams({ page_size: "1" });
const NONE = "They are shown when the first training has ended; one that was made before is not drawn again.";
