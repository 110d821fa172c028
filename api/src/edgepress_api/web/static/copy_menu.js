/**
 * The menu “Copy as”: what the page shows, as a curl command, Python and a command of `edgepress`. The texts name the variable
 * EDGEPRESS_TOKEN; a token is never in them.
 *
 * @import { Copied } from "./copies.js"
 */

import { address, isSignedIn } from "./api.js";
import { at, el, fill } from "./dom.js";

/**
 * Offer what a page shows in its menu.
 *
 * @param {() => Copied[]} describe Is called when the menu opens, so that the texts have the filters of that moment.
 */
export function offerCopies(describe) {
  const menu = at("copies", HTMLDetailsElement);
  menu.addEventListener("toggle", () => menu.open && showMenu(describe()));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Node && target.isConnected && !menu.contains(target)) menu.open = false;
  });
  if (menu.open) showMenu(describe());
}

/** @param {Copied[]} views */
function showMenu(views) {
  const texts = el("div", {});
  const choice = el(
    "select",
    { id: "copied-view" },
    views.map(({ title }) => el("option", {}, title)),
  );
  const show = () => fill(texts, formsOf(views[choice.selectedIndex]));
  choice.addEventListener("change", show);
  const chooser = el("p", { class: "row" }, el("label", { for: choice.id }, "What"), choice);
  fill(at("copies-panel"), views.length > 1 ? chooser : el("p", {}, el("strong", {}, views[0].title)), texts);
  show();
}

/** @param {Copied} view */
function formsOf(view) {
  const forms = { curl: curl(view), Python: python(view), "Command line": command(view) };
  return Object.entries(forms).map(([name, text]) => {
    const said = el("span", { class: "small soft", role: "status" });
    const block = el("pre", { tabindex: 0, "aria-label": `${name}, ${view.title}` }, text);
    const copy = async () => {
      said.textContent = (await copied(block)) ? "Copied." : "Selected: press Ctrl+C.";
    };
    const button = { type: "button", class: "plain small", onclick: copy, "aria-label": `Copy as ${name}` };
    return el(
      "div",
      {},
      el("div", { class: "row" }, el("strong", {}, name), el("button", button, "Copy"), said),
      block,
    );
  });
}

/**
 * Copy the text of an element. Without TLS, browsers have no clipboard for scripts: then it is selected and copied as if by hand.
 *
 * @param {HTMLElement} block
 */
async function copied(block) {
  try {
    await navigator.clipboard.writeText(block.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(block);
    return document.execCommand("copy");
  }
}

/** @param {Copied} view */
function curl({ path, query, body }) {
  const token = isSignedIn() ? ' -H "Authorization: Bearer $EDGEPRESS_TOKEN"' : "";
  const target = quoted(address(query?.size ? `${path}?${query}` : path));
  if (!body) return `curl --fail-with-body${token} ${target}`;
  return piped(`curl --fail-with-body${token} -H 'Content-Type: ${body.type}' --data-binary @- ${target}`, body.text);
}

/** @param {Copied} view */
function python(view) {
  const needsTime = view.python.includes("datetime.");
  const lines = [
    ...(needsTime ? ["from datetime import datetime", ""] : []),
    "from edgepress_client import Client",
    "",
    `with Client(${JSON.stringify(gateway())}) as client:  # with the token in EDGEPRESS_TOKEN`,
    `    print(${view.python})`,
  ];
  return lines.join("\n");
}

/** @param {Copied} view */
function command(view) {
  const words = ["edgepress", ...view.command, "--gateway", gateway()].map(quoted).join(" ");
  return view.body ? piped(words, view.body.text) : words;
}

function gateway() {
  return address("").replace(/\/$/, "");
}

/** @param {string} text */
function quoted(text) {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Give a command a text on standard input.
 *
 * @param {string} words
 * @param {string} text
 */
function piped(words, text) {
  let end = "SPEC";
  while (text.split("\n").includes(end)) end += "_";
  return `${words} <<'${end}'\n${text.replace(/\n?$/, "\n")}${end}`;
}
