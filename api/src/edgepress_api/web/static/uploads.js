/** Files that are on the server already, to choose from, and one to send: archives of images, and Keras models. */

import { getJson, upload } from "./api.js";
import { el, fill } from "./dom.js";
import { labelled, newId } from "./fields.js";
import { moment, percent, size } from "./words.js";

const ANY_FILE = "application/octet-stream"; // the gateway looks for itself what it is

/** For a data set: `sha256` of what was posted to `/v1/datasets`. */
export function archiveField() {
  return uploadField({
    name: "archive",
    path: "v1/datasets",
    listed: "datasets",
    accept: ".zip,.tar,.tar.gz,.tgz",
    help: "A zip or tar of class folders, or of train and validation with class folders inside.",
    words: () => [],
  });
}

/** For a network: `sha256` of what was posted to `/v1/models`. */
export function modelField() {
  return uploadField({
    name: "model file",
    path: "v1/models",
    listed: "models",
    accept: ".keras",
    help: "A classifier as model.save writes it, of layers that every export can deal with. Code of any kind is refused.",
    words: ({ classes, image_size: side, scales_pixels: scales }) => [
      classes && `${classes} classes`,
      side && `images of ${side} pixels`,
      scales && "scales pixels itself",
    ],
  });
}

function uploadField({ name, path, listed, accept, help, words }) {
  const select = el("select", { id: newId() });
  const file = el("input", { type: "file", id: newId(), accept });
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "How much has been sent" });
  const status = el("span", { class: "soft small", role: "status" });
  let wanted; // until it is known what there is to choose from
  const list = async (chosen) => {
    const found = (await getJson(`${path}?page_size=100`))[listed];
    if (chosen && !found.some((each) => each.sha256 === chosen)) found.push(await getJson(`${path}/${chosen}`));
    const told = (each) => [each.name, size(each.size_bytes), ...words(each).filter(Boolean), moment(each.created_at)].join(", ");
    fill(
      select,
      el("option", { value: "" }, found.length ? "choose one" : "none yet: send one below"),
      found.map((each) => el("option", { value: each.sha256 }, told(each))),
    );
    if (chosen) select.value = chosen;
  };
  const send = async () => {
    const chosen = file.files[0];
    if (!chosen) return;
    bar.hidden = false;
    field.complain("");
    try {
      const stored = await upload(`${path}?name=${encodeURIComponent(chosen.name)}`, chosen, ANY_FILE, (share) => {
        bar.value = share;
        status.textContent = share < 1 ? `${percent(share, 0)} sent` : "being stored";
      });
      await list(stored.sha256);
      status.textContent = `${stored.name} is stored, ${size(stored.size_bytes)}`;
    } catch (error) {
      status.textContent = "";
      field.complain(error.message);
    }
    bar.hidden = true;
  };
  file.addEventListener("change", send);
  const field = labelled(select, {
    name,
    help,
    read: () => (select.options.length ? select.value || undefined : wanted),
    write: (value) => {
      wanted = value;
      list(value).catch((error) => field.complain(error.message));
    },
  });
  field.element.append(el("label", { for: file.id }, "send one"), file, el("div", { class: "row" }, bar, status));
  return field;
}
