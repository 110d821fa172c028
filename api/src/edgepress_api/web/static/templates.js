/**
 * Offers the gateway's templates of jobs to start from. The page's address names the chosen one.
 *
 * @import { SpecView } from "./spec_view.js"
 */

import { keepView, viewOf, whenReturned } from "./address.js";
import { getJson } from "./api.js";
import { at, el } from "./dom.js";
import { textOf } from "./spec_text.js";

const REPLACE = "Replace the spec by the template? Your changes are lost.";

/**
 * Fill the choice of templates, and show the one in the address.
 *
 * @param {SpecView} view
 * @param {Record<string, unknown>} blank The spec without a template.
 * @returns {Promise<boolean>} Whether a template is shown.
 */
export async function offerTemplates(view, blank) {
  const { templates } = await getJson("/v1/templates", {});
  const choice = at("template", HTMLSelectElement);
  choice.append(...templates.map(({ name, title }) => el("option", { value: name }, title)));
  let shown = "";
  const show = () => {
    const chosen = templates.find(({ name }) => name === choice.value);
    shown = choice.value;
    at("template-words").textContent = chosen?.summary ?? "";
    if (chosen) view.set(chosen.spec, chosen.text);
    else view.set(blank, textOf(blank));
  };
  choice.addEventListener("change", () => {
    if (view.isChanged && !confirm(REPLACE)) {
      choice.value = shown;
      return;
    }
    show();
    keepView((name) => name === "template" || name === "like", choice.value ? [["template", choice.value]] : []);
  });
  const restore = () => {
    choice.value = viewOf().get("template") ?? "";
    if (choice.value !== shown) show();
  };
  whenReturned(restore);
  restore();
  return shown !== "";
}
