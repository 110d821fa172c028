/**
 * Shows pages of images of packed data sets. A script fetches them, since the browser itself does not send the token.
 *
 * @import { Child } from "../types.js"
 * @typedef {{index: number, words: string, caption: Child}} Picture
 */

import { failed, request } from "./api.js";
import { el, fill } from "./dom.js";

export class Gallery {
  /** Tokens of the pages before the one that is shown, and its own; the first page has none. */
  #tokens = /** @type {(string | null)[]} */ ([null]);
  /** @type {string | null} */
  #next = null;
  #pictures = el("ul", { class: "gallery" });
  #words = el("p", { class: "soft small", role: "status" });
  #previous;
  #older;
  #turning;

  /**
   * @param {HTMLElement} place Where the images are put.
   * @param {() => Promise<void>} turn Shows the page of `token`.
   */
  constructor(place, turn) {
    /** @param {() => unknown} change */
    const button = (/** @type {string} */ label, change) => {
      const onclick = () => {
        change();
        turn().catch(failed);
      };
      return el("button", { type: "button", class: "plain", onclick }, label);
    };
    this.#previous = button("Previous images", () => this.#tokens.pop());
    this.#older = button("Next images", () => this.#tokens.push(this.#next));
    this.#turning = el("div", { class: "row" }, this.#previous, this.#older);
    fill(place, this.#words, this.#pictures, this.#turning);
  }

  /** The token of the page to show; null for the first. */
  get token() {
    return this.#tokens[this.#tokens.length - 1];
  }

  /** Start again with the first page, because other images are asked for. */
  restart() {
    this.#tokens = [null];
  }

  /**
   * Show a page.
   *
   * @param {string | null} artifact SHA-256 of the artifact with the images.
   * @param {Picture[]} pictures
   * @param {string | null} next Token of the next page.
   * @param {string} words
   */
  show(artifact, pictures, next, words) {
    this.#next = next;
    this.#previous.disabled = this.#tokens.length === 1;
    this.#older.disabled = next === null;
    this.#turning.hidden = this.#previous.disabled && this.#older.disabled;
    this.#words.textContent = words;
    fill(
      this.#pictures,
      artifact && pictures.map(({ index, words: alt, caption }) => el("li", {}, figure(artifact, index, alt, caption))),
    );
  }
}

/**
 * Create an image of an artifact.
 *
 * @param {string} artifact SHA-256 of the artifact with the images.
 * @param {number} index Row in the artifact.
 * @param {string} alt
 * @param {Child} caption
 */
export function figure(artifact, index, alt, caption) {
  const image = el("img", { alt, width: 112, height: 112 });
  load(image, `v1/artifacts/${artifact}/images/${index}`).catch(failed);
  return el("figure", {}, image, el("figcaption", {}, caption));
}

/**
 * @param {HTMLImageElement} image
 * @param {string} path
 */
async function load(image, path) {
  const response = await request(path, { cache: "default" }); // an image never changes
  const reader = new FileReader();
  reader.onload = () => {
    image.src = String(reader.result); // a data URL: the policy of the page allows no other that a script makes
  };
  reader.readAsDataURL(await response.blob());
}

/**
 * Create a bar for a table: a share of the largest value.
 *
 * @param {number} value
 * @param {number} most
 */
export function bar(value, most) {
  const width = most > 0 ? Math.max(1, Math.round((100 * value) / most)) : 0;
  return el("span", { class: "share", "aria-hidden": "true", style: `width: ${value > 0 ? width : 0}%` });
}

/**
 * Create a labelled selection.
 *
 * @param {string} label
 * @param {string} name Name of the API's parameter.
 * @param {[string, string][]} options Value and title of each.
 * @param {string} chosen
 * @param {(value: string) => unknown} onChoice
 */
export function choice(label, name, options, chosen, onChoice) {
  const select = el(
    "select",
    { id: `choose-${name}`, name },
    options.map(([value, title]) => el("option", { value, selected: value === chosen }, title)),
  );
  select.addEventListener("change", () => onChoice(select.value));
  return el("span", { class: "choice" }, el("label", { for: select.id }, label), " ", select);
}
