/**
 * Shows a data set: that of a job, or an uploaded one, as networks see it.
 *
 * @import { Samples } from "../types.js"
 * @typedef {NonNullable<Samples["dataset"]>} Summary
 */

import { keepView, viewOf, whenReturned } from "./address.js";
import { address, failed, getJson, pathParts } from "./api.js";
import { augmentedRows } from "./augmented.js";
import { samplesCopied } from "./copies.js";
import { offerCopies } from "./copy_menu.js";
import { at, el, fill, table } from "./dom.js";
import { Gallery, bar, choice } from "./gallery.js";
import { start } from "./page.js";

/** @type {Record<string, string>} */
const SPLITS = { train: "Training", validation: "Validation", test: "Test" };

const KEPT = ["split", "class_name"]; // of the API's parameters, in the page's address

const [kind, source] = pathParts();
/** @type {Gallery} */
let gallery;

start(async () => {
  gallery = new Gallery(at("gallery"), show);
  offerCopies(() => [samplesCopied(source, chosen())]);
  whenReturned(() => {
    gallery.restart();
    show().catch(failed);
  });
  if (kind === "jobs") {
    const job = await getJson("/v1/jobs/{job_id}", { job_id: source });
    const back = at("back", HTMLAnchorElement);
    back.href = address(`jobs/${source}`);
    back.textContent = `Back to ${job.name}`;
    at("name").textContent = `Data set of ${job.name}`;
  } else {
    const stored = await getJson("/v1/datasets/{sha256}", { sha256: source });
    at("name").textContent = `Data set ${stored.name}`;
  }
  await show();
}, "Data set");

/** Return the parameters of the API that the page's address has. */
function chosen() {
  return new URLSearchParams([...viewOf()].filter(([name]) => KEPT.includes(name)));
}

async function show() {
  const asked = chosen();
  if (gallery.token) asked.set("page_token", gallery.token);
  const found = await getJson("/v1/datasets/{source}/samples", { source }, asked);
  at("note").hidden = !found.note;
  at("note").textContent = found.note ?? "";
  at("warnings").hidden = !found.warnings?.length;
  fill(
    at("warning-list"),
    (found.warnings ?? []).map((each) => el("li", {}, each)),
  );
  fill(at("findings"), found.dataset && findings(found.dataset));
  if (found.dataset) showPacked(found, found.dataset);
  else if (found.folders?.length) showFolders(found.folders);
}

/**
 * @param {Samples} found
 * @param {Summary} dataset
 */
function showPacked(found, dataset) {
  const side = dataset.image_size;
  const job = kind === "jobs" ? [] : ["Packed by ", el("a", { href: address(`jobs/${found.job}`) }, found.job), ". "];
  fill(at("about"), ...job, `${dataset.classes.length} classes, ${side} × ${side} pixels.`);
  at("classes").hidden = false;
  fill(at("class-table"), classTable(dataset));
  at("pictures").hidden = false;
  showFilter(found, dataset);
  const pictures = (found.images ?? []).map(({ index, label }) => ({
    index,
    words: `Image ${index}, ${dataset.classes[label]}`,
    caption: dataset.classes[label],
  }));
  const of = viewOf().get("class_name") ? ` of the class ${viewOf().get("class_name")}` : ", of all classes in turn";
  const words = `${pictures.length} of ${found.total} ${found.split === "train" ? "training" : found.split} images${of}. They are resized, and not augmented.`;
  at("augmented").hidden = !found.augmented;
  if (!at("augmented-rows").hasChildNodes()) fill(at("augmented-rows"), augmentedRows(found));
  gallery.show(found.images_sha256 ?? null, pictures, found.next_page_token ?? null, words);
}

/** @param {Summary} dataset */
function classTable({ classes, train_counts: train, validation_counts: validation, test_counts: test }) {
  const most = Math.max(...train);
  const splits = [train, validation, ...(test ? [test] : [])];
  const titles = Object.values(SPLITS).slice(0, splits.length);
  const columns = [{ title: "Class" }, ...titles.map((title) => ({ title, number: true })), { title: "Balance" }];
  const rows = classes.map((name, index) => [name, ...splits.map((each) => each[index]), bar(train[index], most)]);
  return table("Images by class", columns, rows, { className: "wide balance" });
}

/** @param {NonNullable<Samples["folders"]>} folders */
function showFolders(folders) {
  const most = Math.max(...folders.map(({ images }) => images));
  at("classes").hidden = false;
  at("classes-title").textContent = "Folders of the archive";
  const columns = [{ title: "Folder" }, { title: "Images", number: true }, { title: "Balance" }];
  const rows = folders.map(({ folder, images }) => [folder, images, bar(images, most)]);
  fill(at("class-table"), table("Images by folder", columns, rows, { className: "wide balance" }));
}

/**
 * @param {Samples} found
 * @param {Summary} dataset
 */
function showFilter(found, dataset) {
  /** @param {string} name */
  const ask = (name) => (/** @type {string} */ value) => {
    keepView((each) => each === name, value ? [[name, value]] : []);
    gallery.restart();
    show().catch(failed);
  };
  const splits = (found.splits ?? []).map((name) => /** @type {[string, string]} */ ([name, SPLITS[name]]));
  const classes = dataset.classes.map((name) => /** @type {[string, string]} */ ([name, name]));
  fill(
    at("filter"),
    choice("Split", "split", splits, found.split ?? "train", ask("split")),
    choice(
      "Class",
      "class_name",
      [["", "all, in turn"], ...classes],
      viewOf().get("class_name") ?? "",
      ask("class_name"),
    ),
  );
}

/**
 * Create folded lists of the images that warnings are about, as far as packing has named them.
 *
 * @param {Summary} dataset
 */
function findings({ twins, unreadable, ignored }) {
  /** @type {[string, string[]][]} */
  const lists = [
    ["Copies of images of an earlier split", (twins?.copies ?? []).map((each) => `${each.name}: ${each.of}`)],
    ["Images that look like one of an earlier split", (twins?.alike ?? []).map((each) => `${each.name}: ${each.of}`)],
    ["Images that can’t be read", unreadable.map((each) => `${each.name}: ${each.reason}`)],
    ["Ignored files and folders", (ignored ?? []).map((each) => `${each.name}: ${each.reason}`)],
  ];
  return lists.map(
    ([title, names]) =>
      names.length > 0 &&
      el(
        "details",
        { class: "small" },
        el("summary", {}, title),
        el(
          "ul",
          {},
          names.map((name) => el("li", {}, name)),
        ),
      ),
  );
}
