/** What all pages of the dashboard have in common: signing in and out, and telling what went wrong. */

import { allIsWell, failed, isSignedIn, signOut, whenTokenIsWanted } from "./api.js";
import { at } from "./dom.js";

/** Starts a page. */
export function start(show) {
  whenTokenIsWanted(askForToken);
  at("sign-out").addEventListener("click", () => {
    signOut();
    location.reload();
  });
  at("sign-out").hidden = !isSignedIn();
  show().catch(failed);
}

/** Does something now, and again and again while the page is looked at. */
export async function repeat(seconds, run) {
  await run();
  let isUnwell = false;
  setInterval(async () => {
    if (document.hidden) return;
    try {
      await run();
      if (isUnwell) allIsWell();
      isUnwell = false;
    } catch (error) {
      isUnwell = true;
      failed(error);
    }
  }, 1000 * seconds);
}

function askForToken(complaint) {
  const dialog = at("sign-in");
  const field = at("token");
  field.value = "";
  at("token-error").textContent = complaint;
  field.setAttribute("aria-invalid", String(complaint !== ""));
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("cancel", (event) => event.preventDefault()); // there is nothing to see without
    const take = (event) => {
      event.preventDefault();
      dialog.close();
      at("sign-out").hidden = false;
      resolve(field.value.trim());
    };
    dialog.querySelector("form").addEventListener("submit", take, { once: true });
  });
}
