/**
 * Sends requests to the gateway.
 *
 * A gateway that requires a token answers 401: the page asks its user for one, once, and repeats the requests. The tab
 * keeps the token (`sessionStorage`) and sends it as `Authorization: Bearer`, so that no request that another page
 * triggers carries it. For the same reason a script fetches linked files where a token is needed.
 *
 * @import { Answers, PathNames, ProblemDocument } from "../types.js"
 */

const BASE = new URL("..", import.meta.url);
const TOKEN = "edgepress.token";
const RECONNECT_MS = 2000;

// `edgepress open --dashboard` hands the token over in the fragment, which no server sees. On this machine alone:
// elsewhere, a link could sign its reader in as another user.
const handedOver = new URLSearchParams(location.hash.slice(1)).get("token");
if (handedOver && ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname)) {
  sessionStorage.setItem(TOKEN, handedOver);
  history.replaceState(null, "", location.pathname + location.search);
}

/** @type {Promise<void> | null} */
let signingIn = null;
/** @type {(complaint: string) => Promise<string>} */
let askForToken = async () => {
  throw new Error("the page does not ask for tokens");
};

/** An error that the gateway reports; see RFC 9457. */
export class Problem extends Error {
  /** @param {ProblemDocument} document_ */
  constructor({ title, detail, status, errors = [] }) {
    super(detail);
    this.title = title;
    this.status = status;
    this.errors = errors;
  }
}

/**
 * Set the function that asks for a token.
 *
 * @param {(complaint: string) => Promise<string>} ask Takes what was wrong with the last token, or an empty text.
 */
export function whenTokenIsNeeded(ask) {
  askForToken = ask;
}

/** Return whether the tab keeps a token. */
export function isSignedIn() {
  return sessionStorage.getItem(TOKEN) !== null;
}

/** Remove the token. */
export function signOut() {
  sessionStorage.removeItem(TOKEN);
}

/**
 * Return the address of a path of the gateway, which may be behind a proxy's prefix.
 *
 * @param {string} path
 */
export function address(path) {
  return new URL(path, BASE).href;
}

/** Return the parts of the page's own path, below the dashboard's. */
export function pathParts() {
  return location.pathname.slice(BASE.pathname.length).split("/").map(decodeURIComponent);
}

/**
 * Send a request and return the response.
 *
 * @param {string} path
 * @param {RequestInit & {headers?: Record<string, string>}} [options]
 * @throws {Problem} The gateway refuses the request or does not answer.
 */
export async function request(path, { headers, ...options } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
    const shown = token ? { Authorization: `Bearer ${token}` } : {};
    const sentHeaders = /** @type {Record<string, string>} */ ({ Accept: "*/*", ...shown, ...headers });
    const response = await send(path, { cache: "no-cache", ...options, headers: sentHeaders });
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (response.status !== 401) throw problem;
    if (sessionStorage.getItem(TOKEN) === token) await signIn(token ? problem.message : "");
  }
}

/**
 * Get the JSON answer of a path of the API.
 *
 * @template {keyof Answers} Path
 * @param {Path} path As the OpenAPI document names it: `/v1/jobs/{job_id}`.
 * @param {{[Name in PathNames<Path>]: string}} parts What to put in place of the names in braces.
 * @param {URLSearchParams} [query]
 * @returns {Promise<Answers[Path]>}
 */
export async function getJson(path, parts, query) {
  const filled = path.slice(1).replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(Reflect.get(parts, name)));
  const response = await request(query?.size ? `${filled}?${query}` : filled);
  return response.json();
}

/**
 * Post a body.
 *
 * @param {string} path
 * @param {string | null} [body]
 */
export async function post(path, body = null, type = "application/json") {
  return request(path, { method: "POST", body, headers: body === null ? {} : { "Content-Type": type } });
}

/**
 * Put a JSON body.
 *
 * @param {string} path
 * @param {string} body
 */
export async function put(path, body) {
  return request(path, { method: "PUT", body, headers: { "Content-Type": "application/json" } });
}

/**
 * Upload a file.
 *
 * @param {string} path
 * @param {File} file
 * @param {(share: number) => void} onProgress Is called with the share that was sent, 0 to 1.
 * @returns {Promise<{sha256: string, name: string, size_bytes: number}>}
 */
export function upload(path, file, onProgress) {
  const sending = new XMLHttpRequest(); // fetch does not report the progress of an upload
  sending.open("POST", address(path));
  sending.setRequestHeader("Content-Type", "application/octet-stream"); // the gateway detects the format
  const token = sessionStorage.getItem(TOKEN);
  if (token) sending.setRequestHeader("Authorization", `Bearer ${token}`);
  sending.responseType = "json";
  return new Promise((resolve, reject) => {
    sending.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    sending.onerror = () => reject(unanswered());
    sending.onload = () => {
      if (sending.status < 300) resolve(sending.response);
      else reject(new Problem(sending.response ?? unexplained(sending)));
    };
    sending.send(file);
  });
}

/**
 * Fetch the file that a link leads to. This is the link's `onclick`, since the browser itself does not send the token.
 *
 * @param {MouseEvent} event
 */
export function fetchesFile(event) {
  if (!isSignedIn()) return;
  event.preventDefault();
  const link = /** @type {HTMLAnchorElement} */ (event.currentTarget);
  request(link.href)
    .then(async (response) => {
      const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
      const blob = URL.createObjectURL(await response.blob());
      const saving = document.createElement("a");
      Object.assign(saving, { href: blob, download: link.download || name?.[1] || "" });
      saving.click();
      setTimeout(() => URL.revokeObjectURL(blob), 60_000);
    })
    .catch(failed);
}

/**
 * Open the page that a link leads to in a new tab. This is the link's `onclick`, like `fetchesFile`.
 *
 * @param {MouseEvent} event
 */
export function opensPage(event) {
  if (!isSignedIn()) return;
  event.preventDefault();
  const { href } = /** @type {HTMLAnchorElement} */ (event.currentTarget);
  const opened = window.open("", "_blank"); // at once: later, the browser would block it as a pop-up
  request(href)
    .then(async (response) => {
      const page = URL.createObjectURL(await response.blob());
      if (opened) opened.location.href = page;
    })
    .catch(failed);
}

/**
 * Follow a stream of events until the gateway ends it. After a break it continues with the next event.
 *
 * A hidden tab has no stream, since a browser opens at most six connections to a server that speaks HTTP/1.1: a seventh
 * tab would not load. Once the tab is visible, it gets the events that it missed.
 *
 * @param {string} path
 * @param {(type: string, event: any) => void} onEvent
 * @param {(error: unknown) => void} onBreak
 */
export async function follow(path, onEvent, onBreak) {
  let known = "";
  for (;;) {
    await untilVisible();
    const hiding = new AbortController();
    const hide = () => hiding.abort();
    document.addEventListener("visibilitychange", hide, { once: true });
    try {
      const headers = /** @type {Record<string, string>} */ (known ? { "Last-Event-ID": known } : {});
      const response = await request(path, { headers, signal: hiding.signal });
      if (response.status === 204 || !response.body) return;
      for await (const event of eventsOf(response.body)) {
        known = event.id || known;
        onEvent(event.type, JSON.parse(event.data));
      }
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return; // deleted
      if (!hiding.signal.aborted) onBreak(error);
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
    if (!hiding.signal.aborted) await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

/**
 * Show an error to the user.
 *
 * @param {unknown} error
 */
export function failed(error) {
  console.info(error); // the page itself works
  const notice = document.createElement("p");
  notice.className = "note bad";
  notice.textContent = error instanceof Problem ? `${error.title}: ${error.message}` : String(error);
  document.getElementById("notices")?.replaceChildren(notice);
}

/** Remove the error that was shown. */
export function allIsWell() {
  document.getElementById("notices")?.replaceChildren();
}

/** @returns {Promise<void>} */
function untilVisible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function send(path, options) {
  try {
    return await fetch(address(path), options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw unanswered();
  }
}

function unanswered() {
  return new Problem({ title: "No answer", detail: "the gateway does not answer", status: 0 });
}

/** @param {Response} response */
async function problemOf(response) {
  try {
    return new Problem(await response.json());
  } catch {
    return new Problem(unexplained(response));
  }
}

/** @param {{status: number, statusText: string}} response */
function unexplained({ status, statusText }) {
  const detail = statusText || "neither the gateway nor a proxy in front of it says why";
  return { title: `Status ${status}`, detail, status };
}

/**
 * Ask for a token once for all requests that need one.
 *
 * @param {string} complaint
 */
async function signIn(complaint) {
  signingIn ??= checkedToken(complaint).finally(() => {
    signingIn = null;
  });
  await signingIn;
}

/** @param {string} complaint */
async function checkedToken(complaint) {
  for (let wrong = complaint; ;) {
    signOut();
    const token = await askForToken(wrong);
    const answer = await send("v1/exports", { headers: { Authorization: `Bearer ${token}` } });
    sessionStorage.setItem(TOKEN, token);
    if (answer.status !== 401) return;
    wrong = (await problemOf(answer)).message;
  }
}

/**
 * Read server-sent events from a stream of bytes; see the HTML standard, 9.2.6.
 *
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    yield* blocks.map(eventOf).filter((event) => event.data);
  }
}

/** @param {string} block */
function eventOf(block) {
  const event = { type: "message", id: "", data: "" };
  for (const line of block.split("\n")) {
    const [, name, content] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
    if (name === "event") event.type = content;
    if (name === "id") event.id = content;
    if (name === "data") event.data += content;
  }
  return event;
}
