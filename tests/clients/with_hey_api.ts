// Submits, streams, polls and reads a typed report with the client that @hey-api/openapi-ts generates.

import assert from "node:assert/strict";
import { client } from "./generated/hey_api/client.gen";
import { followJob, showOneJob, showReport, showReportAsCsv, submitJob, uploadDataset } from "./generated/hey_api";
import type { JobSpec } from "./generated/hey_api";

async function main(baseUrl: string, token: string) {
  client.setConfig({ baseUrl, auth: token, throwOnError: true });
  const dataset = { kind: "builtin" as const, image_size: 32 };
  const spec: JobSpec = { name: "hey", dataset, model: { architecture: "resnet18" } };
  const { data: job } = await submitJob({ body: spec, throwOnError: true });
  assert.ok("id" in job);

  const path = { job_id: job.id };
  const { stream } = await followJob({ path });
  const states: unknown[] = [];
  for await (const event of stream) {
    if (typeof event === "object" && "type" in event && event.type === "job") states.push(event.data["state"]);
  }
  assert.equal(states.at(-1), "succeeded");

  const { data: polled } = await showOneJob({ path, throwOnError: true });
  assert.equal(polled.state, "succeeded");

  const { data: report } = await showReport({ path, throwOnError: true });
  const accuracies: (number | null)[] = report.rows.map((row) => row.accuracy);
  assert.ok(report.complete && accuracies.length && accuracies.every((each) => each === 0.75));

  const { data: csv } = await showReportAsCsv({ path, throwOnError: true });
  assert.equal(csv.trim().split("\n").length, 1 + report.rows.length);

  const refused = await uploadDataset({ body: new Blob(["no archive"]), query: { name: "x" }, throwOnError: false });
  assert.equal(refused.error?.status, 422);
}

void main(process.argv[2]!, process.argv[3]!);
