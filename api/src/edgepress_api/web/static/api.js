/**
 * Speaks to the gateway.
 *
 * A gateway that wants a token says so with 401: then the page asks its user for one, once, and whatever was asked for is
 * asked again. The token is kept by the tab (`sessionStorage`) and sent as `Authorization: Bearer`, so nothing that another
 * page makes the browser send can use it. Where it was needed, links to files are followed by script, for the same reason.
 */

const BASE = new URL("..", import.meta.url);
const TOKEN = "edgepress.token";
const RECONNECT_MS = 2000;

let signingIn = null;
let askForToken = async () => {
  throw new Error("nobody asks for a token");
};

/** What went wrong, as the gateway says it; see RFC 9457. */
export class Problem extends Error {
  constructor({ title, detail, status, errors }) {
    super(detail);
    Object.assign(this, { title, status, errors: errors ?? [] });
  }
}

/** Sets how a token is asked for: a function of what was wrong with the last one. */
export function whenTokenIsWanted(ask) {
  askForToken = ask;
}

/** Whether there is a token to forget. */
export function isSignedIn() {
  return sessionStorage.getItem(TOKEN) !== null;
}

/** Forgets the token. */
export function signOut() {
  sessionStorage.removeItem(TOKEN);
}

/** An address of the gateway, wherever a proxy has put it. */
export function address(path) {
  return new URL(path, BASE).href;
}

/** The last parts of the page's own address, below where the dashboard is. */
export function pathParts() {
  return location.pathname.slice(BASE.pathname.length).split("/").map(decodeURIComponent);
}

/** Asks, and answers the response; fails with a `Problem`. */
export async function request(path, { headers, ...options } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
    const shown = token ? { Authorization: `Bearer ${token}` } : {};
    const response = await sent(path, { cache: "no-cache", ...options, headers: { Accept: "*/*", ...shown, ...headers } });
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (response.status !== 401) throw problem;
    if (sessionStorage.getItem(TOKEN) === token) await signIn(token ? problem.message : "");
  }
}

/** Asks, and answers what the JSON says. */
export async function getJson(path, options) {
  return (await request(path, options)).json();
}

/** Asks for something to be done. */
export async function post(path, body = null, type = "application/json") {
  return request(path, { method: "POST", body, headers: body === null ? {} : { "Content-Type": type } });
}

/** Sends a file, and tells how much of it has gone, 0 to 1. */
export function upload(path, file, type, onProgress) {
  const asking = new XMLHttpRequest(); // fetch does not tell how much it has sent
  asking.open("POST", address(path));
  asking.setRequestHeader("Content-Type", type);
  if (isSignedIn()) asking.setRequestHeader("Authorization", `Bearer ${sessionStorage.getItem(TOKEN)}`);
  asking.responseType = "json";
  return new Promise((resolve, reject) => {
    asking.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    asking.onerror = () => reject(unanswered());
    asking.onload = () => (asking.status < 300 ? resolve(asking.response) : reject(new Problem(asking.response ?? said(asking))));
    asking.send(file);
  });
}

/** A link's `onclick` that fetches the file it leads to, where the browser alone would be refused. */
export function fetchesFile(event) {
  if (!isSignedIn()) return;
  event.preventDefault();
  const link = event.currentTarget;
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

/** A link's `onclick` that opens the page it leads to, likewise. */
export function opensPage(event) {
  if (!isSignedIn()) return;
  event.preventDefault();
  const opened = window.open("", "_blank"); // now, or it would be taken for a pop-up
  request(event.currentTarget.href)
    .then(async (response) => {
      opened.location = URL.createObjectURL(await response.blob());
    })
    .catch(failed);
}

/** Follows a stream of events until the gateway says that there is no more; goes on after a break where it was. */
export async function follow(path, onEvent, onBreak = () => {}) {
  let known = "";
  for (;;) {
    try {
      const response = await request(path, { headers: known ? { "Last-Event-ID": known } : {} });
      if (response.status === 204) return;
      for await (const event of eventsOf(response.body)) {
        known = event.id || known;
        onEvent(event.type, JSON.parse(event.data));
      }
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return; // deleted
      onBreak(error);
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

/** Tells the user what went wrong. */
export function failed(error) {
  console.info(error); // not an error of the page's
  const notice = document.createElement("p");
  notice.className = "note bad";
  notice.textContent = error instanceof Problem ? `${error.title}: ${error.message}` : String(error);
  document.getElementById("notices").replaceChildren(notice);
}

/** Takes back what was told. */
export function allIsWell() {
  document.getElementById("notices").replaceChildren();
}

async function sent(path, options) {
  try {
    return await fetch(address(path), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unanswered();
  }
}

function unanswered() {
  return new Problem({ title: "No answer", detail: "the gateway does not answer at the moment", status: 0 });
}

async function problemOf(response) {
  try {
    return new Problem(await response.json());
  } catch {
    return new Problem(said(response));
  }
}

function said({ status, statusText }) {
  return { title: `Status ${status}`, detail: statusText || "the gateway, or what stands before it, does not say why", status };
}

/** One question for all who wait. */
async function signIn(complaint) {
  signingIn ??= checked(complaint).finally(() => {
    signingIn = null;
  });
  await signingIn;
}

async function checked(complaint) {
  for (let wrong = complaint; ; ) {
    signOut();
    const token = await askForToken(wrong);
    const answer = await sent("v1/exports", { headers: { Authorization: `Bearer ${token}` } });
    sessionStorage.setItem(TOKEN, token);
    if (answer.status !== 401) return;
    wrong = (await problemOf(answer)).message;
  }
}

/** Server-sent events out of a stream of bytes; see the HTML standard, 9.2.6. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { type: "message", id: "", data: "" };
      for (const line of block.split("\n")) {
        const [, name, content] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
        if (name === "event") event.type = content;
        if (name === "id") event.id = content;
        if (name === "data") event.data += content;
      }
      if (event.data) yield event;
    }
  }
}
