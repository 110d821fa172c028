/**
 * Keeps what a page shows (filters, weights, limits, hidden series) in its address, so that a link, a reload and the back
 * button show the same.
 */

const BURST_MS = 1000; // a slider that moves, and a word that is typed, are one entry of the browser's history

let changed = -Infinity;
let shown = location.search;
/** @type {((query: URLSearchParams) => unknown)[]} */
const restoring = [];

/** Return the parameters of the page's address. */
export function viewOf() {
  return new URLSearchParams(location.search);
}

/**
 * Replace parameters of the address. The others stay, since other parts of the page own them.
 *
 * @param {(name: string) => boolean} owns Which parameters are replaced.
 * @param {Iterable<[string, string]>} kept Their new values; a name can have several.
 */
export function keepView(owns, kept) {
  const query = viewOf();
  for (const name of new Set(query.keys())) if (owns(name)) query.delete(name);
  for (const [name, value] of kept) query.append(name, value);
  if (String(query) === String(viewOf())) return;
  const address = query.size ? `?${query}` : location.pathname;
  if (performance.now() - changed < BURST_MS) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  changed = performance.now();
  shown = location.search;
}

/**
 * Call a function when the user returns to an earlier state of the page.
 *
 * @param {(query: URLSearchParams) => unknown} restore Shows the state that the parameters describe.
 */
export function whenReturned(restore) {
  restoring.push(restore);
}

addEventListener("popstate", () => {
  if (location.search === shown) return; // a link within the page
  changed = -Infinity;
  shown = location.search;
  for (const restore of restoring) restore(viewOf());
});
