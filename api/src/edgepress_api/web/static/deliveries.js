/**
 * Shows who is told about a job: its webhook, the recipients of its notifications, and the state of each delivery.
 *
 * @import { Delivery, Job, JobNotifications } from "../types.js"
 */

import { getJson } from "./api.js";
import { at, el, fill, table } from "./dom.js";
import { moment, spaced } from "./words.js";

const COLUMNS = [
  { title: "To" },
  { title: "About" },
  { title: "State" },
  { title: "Attempts", number: true },
  { title: "Latest answer" },
];

/**
 * Fetch and show the deliveries of a job; the section stays hidden for a job without any.
 *
 * @param {Job} job
 */
export async function showDeliveries(job) {
  const { recipients, messages } = await getJson("/v1/jobs/{job_id}/notifications", { job_id: job.id });
  const rows = [
    ...(job.webhook ? [cells(job.webhook.url, "Webhook: job ended", job.webhook)] : []),
    ...messages.map((message) => cells(message.to, about(message), message)),
    ...recipients
      .filter(({ to }) => !messages.some((message) => message.to === to))
      .map(({ to, when }) => [to, when.map(sentence).join(", "), "waiting", "0", ""]),
  ];
  at("deliveries").hidden = rows.length === 0;
  if (rows.length > 0) fill(at("delivery-list"), table("Recipients and messages", COLUMNS, rows));
}

/**
 * @param {string} to
 * @param {string} occasion
 * @param {Delivery} delivery
 */
function cells(to, occasion, { state, attempts, answer, due_at: due, delivered_at: delivered }) {
  const time = delivered ?? (state === "due" && attempts > 0 ? due : null);
  const when = time && el("span", { class: "soft" }, delivered ? ` ${moment(time)}` : `, again ${moment(time)}`);
  return [to, occasion, el("span", {}, state, when), String(attempts), answer ?? ""];
}

/** @param {JobNotifications["messages"][number]} message */
function about({ kind, device }) {
  return device ? `${device}: ${sentence(kind)}` : sentence(kind);
}

/** @param {string} name Such as `device_offline`. */
function sentence(name) {
  const words = spaced(name);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
