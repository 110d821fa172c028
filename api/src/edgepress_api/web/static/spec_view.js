/**
 * Shows one spec in two ways: as a form and as text. The text is the spec; the form changes it where its user changes the form,
 * so that comments, and what the form has no field for, stay.
 *
 * @import { ObjectField } from "../types.js"
 * @import { SpecEditor } from "./spec_editor.js"
 */

import { keepView, viewOf, whenReturned } from "./address.js";
import { at } from "./dom.js";
import { dataOf, patched, textOf } from "./spec_text.js";
import { offerNone } from "./spec_widgets.js";

const NOT_DATA = "The form shows this spec once the text is an object in YAML or JSON.";
const NOT_SHOWN = "The form can’t show this spec. Correct the marked lines first.";

export class SpecView {
  isText = false;
  #text = "";
  /** The text that was set last. */
  #original = "";
  /** The value of the form when it showed the text. */
  #before = /** @type {Record<string, unknown>} */ ({});

  /**
   * @param {ObjectField} form
   * @param {SpecEditor} editor
   * @param {Record<string, unknown>} blank The spec that the form can always show.
   */
  constructor(form, editor, blank) {
    this.form = form;
    this.editor = editor;
    this.blank = blank;
    at("as-form").addEventListener("click", () => this.#turn(false));
    at("as-text").addEventListener("click", () => this.#turn(true));
    whenReturned(() => this.#turn(viewOf().get("as") === "text"));
  }

  /** The spec as text. */
  get text() {
    if (this.isText) return this.editor.text;
    return patched(this.#text, this.#before, this.form.value());
  }

  /** Whether the user has changed the spec since it was set. */
  get isChanged() {
    return this.text !== this.#original;
  }

  /**
   * Show a spec.
   *
   * @param {Record<string, unknown>} data
   * @param {string} [text] The same as text; without it, the data is written as text.
   */
  set(data, text) {
    this.#fillForm(data);
    this.#original = this.#text = text ?? textOf(this.#before);
    this.isText = false; // the text of the editor is replaced
    this.#show(viewOf().get("as") === "text");
  }

  /** @param {boolean} isText */
  #turn(isText) {
    if (isText === this.isText || !this.#show(isText)) return;
    keepView((name) => name === "as", isText ? [["as", "text"]] : []);
  }

  /**
   * @param {boolean} isText
   * @returns {boolean} Whether it can be shown in this way.
   */
  #show(isText) {
    if (isText) {
      if (!this.isText) this.#text = this.text;
      this.editor.text = this.#text;
      this.editor.check();
    } else if (this.isText && !this.#readText()) {
      return false;
    }
    this.isText = isText;
    at("form").hidden = isText;
    at("text").hidden = !isText;
    at("as-form").setAttribute("aria-pressed", String(!isText));
    at("as-text").setAttribute("aria-pressed", String(isText));
    at("problems").hidden = true;
    this.form.complain("");
    return true;
  }

  /** Show the text in the form, if that is possible. */
  #readText() {
    const { text } = this.editor;
    const data = dataOf(text);
    try {
      if (data) this.#fillForm(data);
    } catch (error) {
      console.info(error); // such as a list where the form expects text
      this.#fillForm(this.blank);
      at("text-state").textContent = NOT_SHOWN;
      return false;
    }
    at("text-state").textContent = data ? "" : NOT_DATA;
    if (data) this.#text = text;
    return data !== null;
  }

  /** @param {Record<string, unknown>} data */
  #fillForm(data) {
    const hasSearch = data.search !== undefined && data.search !== null;
    this.form.set(hasSearch ? { pipelines: null, ...data } : data); // next to a search, the default is none
    offerNone(this.form.fields, hasSearch);
    this.#before = this.form.value();
  }
}
