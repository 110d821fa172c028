/** What all pages share: sign-in and sign-out, and errors. */

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
  show().catch((error) => {
    if (subject && error instanceof Problem && error.status === 404) showNotFound(subject, error);
    else failed(error);
  });
}

/**
 * Call a function now, and again at an interval while the page is visible.
 *
 * @param {number} seconds
 * @param {() => Promise<void>} run
 */
export async function repeat(seconds, run) {
  await run();
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
