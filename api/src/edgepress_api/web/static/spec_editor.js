/**
 * The text of a spec in an editor, with completion, and the gateway's errors at their lines. The gateway checks the text
 * whenever its user pauses, by the route that also plans a job.
 *
 * @import { SpecSchema } from "../types.js"
 */

import { Problem, post } from "./api.js";
import { afterPause, at, el, fill } from "./dom.js";
import {
  EditorState,
  EditorView,
  HighlightStyle,
  autocompletion,
  completionKeymap,
  defaultKeymap,
  drawSelection,
  highlightActiveLine,
  history,
  historyKeymap,
  indentOnInput,
  indentUnit,
  keymap,
  lineNumbers,
  lintGutter,
  lintKeymap,
  setDiagnostics,
  syntaxHighlighting,
  tags,
  yaml,
} from "./editor.js";
import { completions } from "./spec_completion.js";
import { dataOf, isJson, partsOf, placeOf } from "./spec_text.js";
import { counted } from "./words.js";

const PAUSE_MS = 600;
const LOOK = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--accent)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.string, tags.attributeValue], color: "var(--second)" },
]);

export class SpecEditor {
  #view;
  #check = afterPause(PAUSE_MS, () => this.#ask());
  #isAsking = false;
  /** The text that the gateway has checked last, its data, and what is wrong with it. */
  #checked = { text: "", data: "", problem: /** @type {Problem | null} */ (null) };

  /**
   * @param {HTMLElement} place
   * @param {SpecSchema} schema
   * @param {() => void} onInput Called when the text has changed.
   */
  constructor(place, schema, onInput) {
    const changed = EditorView.updateListener.of(({ docChanged }) => {
      if (!docChanged) return;
      onInput();
      this.#check();
    });
    const state = EditorState.create({ extensions: [...basics(), autocompletionOf(schema), changed] });
    this.#view = new EditorView({ state, parent: place });
  }

  /** The text of the spec. */
  get text() {
    return this.#view.state.doc.toString();
  }

  set text(text) {
    if (text === this.text) return;
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
  }

  /** Check the text at once, if it is not known yet what the gateway says. */
  check() {
    this.#ask();
  }

  focus() {
    this.#view.focus();
  }

  /**
   * Show the errors of a problem at their lines, and as a list.
   *
   * @param {Problem | null} problem
   */
  show(problem) {
    const { doc } = this.#view.state;
    const found = problem ? errorsOf(problem, this.text, (line) => doc.line(Math.min(line, doc.lines))) : [];
    this.#view.dispatch(setDiagnostics(this.#view.state, found));
    const entries = found.map(({ from, message }) => {
      const go = () => {
        this.#view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
        this.focus();
      };
      const words = `Line ${doc.lineAt(from).number}: ${message}`;
      return el("li", {}, el("button", { type: "button", class: "link", onclick: go }, words));
    });
    fill(at("text-errors"), entries);
    at("text-state").textContent = found.length ? `${counted(found.length, "error")}.` : "";
  }

  /** Ask the gateway what is wrong with the text, one question at a time. */
  async #ask() {
    const { text } = this;
    if (text === this.#checked.text) return;
    if (this.#isAsking) {
      this.#check();
      return;
    }
    const data = JSON.stringify(dataOf(text));
    if (data !== "null" && data === this.#checked.data) {
      this.show(this.#checked.problem); // only comments and spaces have changed, and with them the lines
      this.#checked.text = text;
      return;
    }
    this.#isAsking = true;
    const { problem, words } = await problemWith(text);
    this.#isAsking = false;
    if (text !== this.text) {
      this.#check();
      return;
    }
    this.#checked = { text, data, problem };
    this.show(problem);
    if (words) at("text-state").textContent = words;
  }
}

/**
 * Ask the gateway what is wrong with a spec.
 *
 * @param {string} text
 * @returns {Promise<{problem: Problem | null, words: string}>}
 */
async function problemWith(text) {
  try {
    await post("v1/jobs?validate_only=true", text, mediaType(text));
    return { problem: null, words: "The gateway accepts this spec." };
  } catch (error) {
    if (!(error instanceof Problem)) return { problem: null, words: `Not checked: ${error}.` };
    if ([400, 413, 422].includes(error.status)) return { problem: error, words: "" };
    return { problem: null, words: `Not checked: ${error.message}.` };
  }
}

/**
 * Return the media type to post a text with.
 *
 * @param {string} text
 */
export function mediaType(text) {
  return isJson(text) ? "application/json" : "application/yaml";
}

/**
 * Return the errors of a problem with their places in a text.
 *
 * @param {Problem} problem
 * @param {string} text
 * @param {(line: number) => {from: number, to: number}} lineAt
 */
function errorsOf(problem, text, lineAt) {
  const severity = /** @type {const} */ ("error");
  if (problem.errors.length === 0) {
    const line = / in line (\d+)/.exec(problem.message);
    const { from, to } = lineAt(line ? Number(line[1]) : 1);
    return [{ from, to, severity, message: problem.message }];
  }
  const found = problem.errors.map(({ field, message, accepted }) => {
    const isName = message.startsWith("unknown field");
    const words = accepted ? `${message}; accepted: ${accepted}` : message;
    return { ...placeOf(text, partsOf(field), isName), severity, message: `${field}: ${words}` };
  });
  return found.sort((one, other) => one.from - other.from);
}

function basics() {
  return [
    lineNumbers(),
    history(),
    drawSelection(),
    highlightActiveLine(),
    indentUnit.of("  "),
    indentOnInput(),
    yaml(),
    syntaxHighlighting(LOOK),
    lintGutter(),
    EditorView.lineWrapping,
    // The tab key moves on to the next control, as in every form.
    keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
    EditorView.contentAttributes.of({ "aria-label": "Spec, as YAML or JSON", "aria-describedby": "text-help" }),
  ];
}

/** @param {SpecSchema} schema */
function autocompletionOf(schema) {
  return autocompletion({ override: [completions(schema)], icons: false });
}
