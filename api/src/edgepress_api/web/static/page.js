/** What all pages share: sign-in and sign-out, the states of loading and of failure, and errors. */

import { Problem, address, allIsWell, failed, isSignedIn, signOut, whenTokenIsNeeded } from "./api.js";
import { at, el, fill } from "./dom.js";

/**
 * Start a page.
 *
 * @param {() => Promise<void>} show
 * @param {string} [subject] What the page's address names, such as "Job"; if the gateway does not have it, the page says so.
 */
export function start(show, subject = "") {
  whenTokenIsNeeded(askForToken);
  at("sign-out").addEventListener("click", () => {
    signOut();
    location.reload();
  });
  at("sign-out").hidden = !isSignedIn();
  show()
    .then(loaded)
    .catch((error) => {
      const isLoaded = at("loading").hidden;
      loaded();
      if (subject && error instanceof Problem && error.status === 404) showNotFound(subject, error);
      else if (isLoaded) failed(error);
      else showFailure(error);
    });
}

/** Say that the page shows its content. A page that goes on, such as one that follows events, calls this itself. */
export function loaded() {
  at("loading").hidden = true;
  at("main").removeAttribute("aria-busy");
}

/**
 * Call a function now, and again at an interval while the page is visible.
 *
 * @param {number} seconds
 * @param {() => Promise<void>} run
 */
export async function repeat(seconds, run) {
  await run();
  loaded();
  let hasFailed = false;
  setInterval(async () => {
    if (document.hidden) return;
    try {
      await run();
      if (hasFailed) allIsWell();
      hasFailed = false;
    } catch (error) {
      hasFailed = true;
      failed(error);
    }
  }, 1000 * seconds);
}

/**
 * @param {string} subject
 * @param {Problem} problem
 */
function showNotFound(subject, problem) {
  document.title = `${subject} not found - Edgepress`;
  fill(
    at("main"),
    el("h1", {}, `${subject} not found`),
    el("p", {}, sentence(problem.message)),
    el("p", {}, "It may have been deleted, or the address is wrong."),
    el("p", {}, el("a", { class: "button", href: address("") }, "Show all jobs")),
  );
}

/**
 * Show why a page has no content, with a way to load it again.
 *
 * @param {unknown} error
 */
function showFailure(error) {
  console.info(error);
  const words = error instanceof Problem ? `${error.title}: ${error.message}` : String(error);
  const again = el("button", { type: "button", onclick: () => location.reload() }, "Try again");
  fill(
    at("main"),
    at("main").querySelector("h1"),
    el(
      "div",
      { id: "failure", class: "note bad", role: "alert" },
      el("p", {}, "This page could not be loaded."),
      words,
    ),
    el("p", {}, again),
  );
}

/** @param {string} text */
function sentence(text) {
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

/**
 * @param {string} complaint
 * @returns {Promise<string>}
 */
function askForToken(complaint) {
  const dialog = at("sign-in", HTMLDialogElement);
  const field = at("token", HTMLInputElement);
  field.value = "";
  at("token-error").textContent = complaint;
  field.setAttribute("aria-invalid", String(complaint !== ""));
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("cancel", (event) => event.preventDefault()); // the page is empty without a token
    /** @param {Event} event */
    const take = (event) => {
      event.preventDefault();
      dialog.close();
      at("sign-out").hidden = false;
      resolve(field.value.trim());
    };
    at("sign-in-form").addEventListener("submit", take, { once: true });
  });
}
