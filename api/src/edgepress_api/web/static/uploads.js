/**
 * Fields that choose a file that the server already has, or upload one: archives of images, and Keras models.
 *
 * @import { Dataset, Field, Model } from "../types.js"
 */

import { address, getJson, upload } from "./api.js";
import { el, fill } from "./dom.js";
import { labelled, newId } from "./fields.js";
import { moment, percent, size } from "./words.js";

const PAGE = new URLSearchParams({ page_size: "100" });

/** Make the field for a data set: the `sha256` of an archive at `/v1/datasets`. */
export function archiveField() {
  return uploadField({
    label: "Archive",
    path: "v1/datasets",
    list: async () => (await getJson("/v1/datasets", {}, PAGE)).datasets,
    get: (sha256) => getJson("/v1/datasets/{sha256}", { sha256 }),
    accept: ".zip,.tar,.tar.gz,.tgz",
    help: "A zip or tar file with a folder of images for each class, or with such folders in train and validation.",
    details: () => [],
    page: "datasets",
  });
}

/** Make the field for a network: the `sha256` of a model at `/v1/models`. */
export function modelField() {
  return uploadField({
    label: "Model file",
    path: "v1/models",
    list: async () => (await getJson("/v1/models", {}, PAGE)).models,
    get: (sha256) => getJson("/v1/models/{sha256}", { sha256 }),
    accept: ".keras",
    help: "A classifier as a .keras file, with layers that every export supports. Models that contain code are rejected.",
    details: ({ classes, image_size: side, scales_pixels: scales }) => [
      classes ? `${classes} classes` : "",
      side ? `images of ${side} pixels` : "",
      scales ? "scales pixels itself" : "",
    ],
  });
}

/**
 * @template {Dataset | Model} Stored
 * @param {object} kind
 * @param {string} kind.label
 * @param {string} kind.path Where files of this kind are posted.
 * @param {() => Promise<Stored[]>} kind.list
 * @param {(sha256: string) => Promise<Stored>} kind.get
 * @param {string} kind.accept
 * @param {string} kind.help
 * @param {(stored: Stored) => string[]} kind.details
 * @param {string} [kind.page] Pages that show a file of this kind, if there are any.
 * @returns {Field}
 */
function uploadField({ label, path, list, get, accept, help, details, page }) {
  const select = el("select", { id: newId() });
  const file = el("input", { type: "file", id: newId(), accept });
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "Upload progress" });
  const status = el("span", { class: "soft small", role: "status" });
  const progress = el("div", { class: "row" }, bar, status);
  /** @type {string | undefined} */
  let wanted; // until the list is known
  /** @param {string | undefined} chosen */
  const show = async (chosen) => {
    const found = await list();
    if (chosen && !found.some((each) => each.sha256 === chosen)) found.push(await get(chosen));
    /** @param {Stored} each */
    const written = (each) =>
      [each.name, size(each.size_bytes), ...details(each).filter(Boolean), moment(each.created_at)].join(", ");
    fill(
      select,
      el("option", { value: "" }, found.length ? "Choose a file" : "No files yet: upload one below"),
      found.map((each) => el("option", { value: each.sha256 }, written(each))),
    );
    if (chosen) select.value = chosen;
    look.show();
  };
  const look = linkToPage(select, page);
  const send = async () => {
    const chosen = file.files?.[0];
    if (!chosen) return;
    bar.hidden = false;
    field.complain("");
    try {
      const stored = await upload(`${path}?name=${encodeURIComponent(chosen.name)}`, chosen, (share) => {
        bar.value = share;
        status.textContent = share < 1 ? `${percent(share, 0)} uploaded` : "Processing";
      });
      await show(stored.sha256);
      status.textContent = `${stored.name} is stored, ${size(stored.size_bytes)}`;
    } catch (error) {
      status.textContent = "";
      complain(error);
    }
    bar.hidden = true;
  };
  /** @param {unknown} error */
  const complain = (error) => field.complain(error instanceof Error ? error.message : String(error));
  file.addEventListener("change", send);
  const field = labelled(select, {
    label,
    help,
    read: () => (select.options.length ? select.value || undefined : wanted),
    write: (value) => {
      wanted = value;
      show(value).catch(complain);
    },
  });
  field.element.append(look.element, el("label", { for: file.id }, "Upload a file"), file, progress);
  return field;
}

/**
 * Make a link to the page of the chosen file. It opens in a tab of its own, which keeps the token: the form stays as it is.
 *
 * @param {HTMLSelectElement} select
 * @param {string} [page] Path of such pages; there is no link without one.
 */
function linkToPage(select, page) {
  const element = el("p", { class: "small", hidden: true });
  const show = () => {
    element.hidden = !page || !select.value;
    const link = { href: address(`${page}/${select.value}`), target: "_blank", rel: "opener" };
    fill(element, el("a", link, "Look at the data (in a new tab)"));
  };
  select.addEventListener("change", show);
  return { element, show };
}
