// The parts of CodeMirror and of the package yaml that the spec editor uses. `make check-javascript` builds
// build/editor.js from them, and compares it with editor.js next to this file; after a change, copy it here, and its
// SHA-256. See docs/decisions/0040.
export { autocompletion, closeCompletion, completionKeymap, startCompletion } from "@codemirror/autocomplete";
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { yaml } from "@codemirror/lang-yaml";
export { HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
export { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
export { EditorState } from "@codemirror/state";
export { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
export { tags } from "@lezer/highlight";
export { Document, isMap, isNode, isPair, isScalar, isSeq, parseDocument } from "yaml";

/**
 * Types of the parts, for the scripts that use them.
 *
 * @typedef {import("@codemirror/autocomplete").Completion} Completion
 * @typedef {import("@codemirror/autocomplete").CompletionContext} CompletionContext
 * @typedef {import("@codemirror/autocomplete").CompletionResult} CompletionResult
 * @typedef {import("yaml").Node} Node
 */
