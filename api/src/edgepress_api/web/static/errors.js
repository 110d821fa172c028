/**
 * Shows the images that a file classifies wrongly, or otherwise than another file. The page's address keeps what its user
 * chose, with the names of the API.
 *
 * @import { FileErrors } from "../types.js"
 * @typedef {FileErrors["images"][number]} ErrorImage
 * @typedef {ErrorImage["file"]} Answer
 */

import { keepView, viewOf, whenReturned } from "./address.js";
import { address, failed, getJson, pathParts } from "./api.js";
import { errorsCopied } from "./copies.js";
import { offerCopies } from "./copy_menu.js";
import { at, el, fill, table } from "./dom.js";
import { Gallery, bar, choice } from "./gallery.js";
import { start } from "./page.js";
import { counted, nameOf, percent } from "./words.js";

/** @type {Record<string, string>} */
const SPLITS = { validation: "Validation", test: "Test" };

// The API's parameters that the page's address keeps.
const KEPT = ["selection", "against", "split", "device", "true_class", "predicted_class"];

const [, job, , sha256] = pathParts();
/** @type {Gallery} */
let gallery;

start(async () => {
  gallery = new Gallery(at("gallery"), show);
  offerCopies(() => [errorsCopied(job, sha256, chosen())]);
  whenReturned(() => {
    gallery.restart();
    show().catch(failed);
  });
  at("filter").addEventListener("submit", (event) => event.preventDefault());
  await show();
}, "File");

/** Return the parameters of the API that the page's address has. */
function chosen() {
  return new URLSearchParams([...viewOf()].filter(([name]) => KEPT.includes(name)));
}

async function show() {
  const asked = chosen();
  const query = viewOf();
  if (gallery.token) asked.set("page_token", gallery.token);
  const found = await getJson("/v1/jobs/{job_id}/models/{sha256}/errors", { job_id: job, sha256 }, asked);
  const name = nameOf(found.file);
  const back = at("back", HTMLAnchorElement);
  back.href = address(`jobs/${job}/models/${sha256}`);
  back.textContent = `Back to ${name}`;
  document.title = `Errors of ${name} - Edgepress`;
  at("name").textContent = `Errors of ${name}`;
  const images = sum(found.confusion.flat());
  const right = sum(found.confusion.map((counts, index) => counts[index]));
  at("about").textContent =
    `${images - right} of ${images} ${found.split} images are wrong (accuracy ${percent(right / images)}), measured on ${found.device}.`;
  at("note").hidden = !found.note;
  at("note").textContent = found.note;
  showFilter(found);
  at("words").textContent = wordsOf(found);
  const pictures = found.images.map((each) => pictureOf(found, each));
  const cell = query.has("true_class") || query.has("predicted_class") ? " in the chosen cell or class" : "";
  const words = `${pictures.length} of ${counted(found.total, "selected image")}${cell}, the surest errors first.`;
  gallery.show(found.images_sha256, pictures, found.next_page_token, words);
  fill(at("matrix"), matrix(found));
  fill(at("class-table"), classTable(found));
}

/** @param {Record<string, string>} changes Values of the API's parameters; an empty value removes one. */
function ask(changes) {
  keepView(
    (name) => name in changes,
    Object.entries(changes).filter(([, value]) => value),
  );
  gallery.restart();
  show().catch(failed);
}

/** @param {FileErrors} found */
function showFilter(found) {
  /** @type {[string, string][]} */
  const selections = [["wrong", "wrong"]];
  if (found.against) {
    selections.push(["lost", "lost: only the other file is right"]);
    selections.push(["gained", "gained: only this file is right"]);
    selections.push(["differs", "predicted differently"]);
  }
  const others = found.others.map((each) => /** @type {[string, string]} */ ([each.model_sha256, nameOf(each)]));
  /** @type {[string, string][]} */
  const none = found.against ? [] : [["", "choose a file"]];
  const splits = found.splits.map((name) => /** @type {[string, string]} */ ([name, SPLITS[name]]));
  const devices = found.devices.map((name) => /** @type {[string, string]} */ ([name, name]));
  const { selection, split, device, against } = found;
  const compared = others.length > 0;
  fill(
    at("filter"),
    choice("Show images that are", "selection", selections, selection, (value) => ask({ selection: value })),
    compared &&
      choice("Compare with", "against", [...none, ...others], against?.model_sha256 ?? "", (value) =>
        ask({ against: value }),
      ),
    splits.length > 1 && choice("Split", "split", splits, split, (value) => ask({ split: value })),
    devices.length > 1 && choice("Device", "device", devices, device, (value) => ask({ device: value, against: "" })),
  );
}

/** @param {FileErrors} found */
function wordsOf({ selection, by_class: byClass, file, against, split }) {
  const images = counted(sum(byClass), `${split} image`);
  const other = against ? nameOf(against) : "";
  switch (selection) {
    case "lost":
      return `${images} lost: ${other} is right, ${nameOf(file)} is wrong.`;
    case "gained":
      return `${images} gained: ${nameOf(file)} is right, ${other} is wrong.`;
    case "differs":
      return `${images} predicted differently by ${nameOf(file)} and ${other}.`;
    default:
      return `${images} wrong.`;
  }
}

/**
 * @param {FileErrors} found
 * @param {ErrorImage} image
 */
function pictureOf({ classes, file, against }, { index, label, file: answer, other }) {
  const caption = [
    el("strong", {}, classes[label]),
    el("br"),
    against && `${nameOf(file)}: `,
    answerOf(classes, answer),
    against && other && [el("br"), `${nameOf(against)}: `, answerOf(classes, other)],
  ];
  return { index, words: `Image ${index}, ${classes[label]}, predicted ${answerOf(classes, answer)}`, caption };
}

/**
 * @param {string[]} classes
 * @param {Answer} answer
 */
function answerOf(classes, { predicted, score, true_score: trueScore }) {
  if (typeof predicted !== "number") return "wrong";
  if (typeof score !== "number" || typeof trueScore !== "number") return classes[predicted];
  return `${classes[predicted]} (${percent(score, 1)}; true class ${percent(trueScore, 1)})`;
}

/** @param {FileErrors} found */
function matrix({ classes, confusion, split }) {
  const cellOf = [viewOf().get("true_class"), viewOf().get("predicted_class")];
  const lines = confusion.map((counts, row) => {
    const total = Math.max(sum(counts), 1);
    const cells = counts.map((count, column) => {
      const shade = count ? `c${Math.min(9, Math.ceil((9 * count) / total))}` : null;
      return el("td", { class: shade }, count && row !== column ? cell(count, row, column) : count || "");
    });
    return el("tr", {}, el("th", { scope: "row" }, classes[row]), cells);
  });
  /**
   * @param {number} count
   * @param {number} row
   * @param {number} column
   */
  function cell(count, row, column) {
    const isChosen = cellOf[0] === classes[row] && cellOf[1] === classes[column];
    const onclick = () =>
      ask(
        isChosen
          ? { true_class: "", predicted_class: "" }
          : { selection: "wrong", true_class: classes[row], predicted_class: classes[column] },
      );
    const label = `Show ${counted(count, "image")} of ${classes[row]} predicted as ${classes[column]}`;
    const id = `cell-${row}-${column}`;
    const attributes = { type: "button", class: "cell", id, onclick, "aria-pressed": String(isChosen) };
    return el("button", { ...attributes, "aria-label": label }, count);
  }
  const names = classes.map((name) => el("th", { scope: "col" }, name));
  const hint = "Rows are the true classes, columns are the predicted classes. Choose a number to see its images.";
  return [
    el("p", { class: "small soft" }, hint),
    el(
      "div",
      { class: "scroll", role: "region", "aria-label": `Confusion matrix, ${split}`, tabindex: 0 },
      el("table", { class: "matrix" }, el("thead", {}, el("tr", {}, el("td"), names)), el("tbody", {}, lines)),
    ),
  ];
}

/** @param {FileErrors} found */
function classTable({ classes, confusion, by_class: byClass }) {
  const query = viewOf();
  const chosenClass = query.has("predicted_class") ? null : query.get("true_class");
  const most = Math.max(...byClass);
  const columns = [
    { title: "Class" },
    { title: "Images", number: true },
    { title: "Selected", number: true },
    { title: "Shares" },
  ];
  const rows = classes.map((name, index) => {
    const onclick = () => ask({ true_class: name === chosenClass ? "" : name, predicted_class: "" });
    const attributes = {
      type: "button",
      class: "link",
      id: `class-${index}`,
      "aria-pressed": String(name === chosenClass),
    };
    return [
      el("button", { ...attributes, onclick }, name),
      sum(confusion[index]),
      byClass[index],
      bar(byClass[index], most),
    ];
  });
  return table("Selected images by class", columns, rows, { className: "wide balance" });
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
