// Submits, streams, polls and reads a typed report with openapi-fetch and the types that openapi-typescript generates.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi_typescript";

type Spec = components["schemas"]["JobSpec"];
type JobEvent = components["schemas"]["JobEvent"] | components["schemas"]["JobProgress"];

async function main(baseUrl: string, token: string) {
  const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
  const dataset = { kind: "builtin" as const, image_size: 32 };
  const spec: Spec = { name: "fetch", dataset, model: { architecture: "resnet18" } };
  const { data: job, error } = await client.POST("/v1/jobs", { body: spec });
  if (!job || !("id" in job)) throw new Error(`not accepted: ${error?.detail}`);

  const params = { path: { job_id: job.id } };
  const stream = await client.GET("/v1/jobs/{job_id}/events", { params, parseAs: "stream" });
  const lines = (await new Response(stream.data).text()).split("\n").filter((line) => line.startsWith("data: "));
  const events = lines.map((line) => JSON.parse(line.slice("data: ".length)) as JobEvent);
  const states = events.flatMap((event) => ("type" in event && event.type === "job" ? [event.data["state"]] : []));
  assert.equal(states.at(-1), "succeeded");

  const { data: polled } = await client.GET("/v1/jobs/{job_id}", { params });
  assert.equal(polled?.state, "succeeded");

  const { data: report } = await client.GET("/v1/jobs/{job_id}/report", { params });
  const accuracies: (number | null)[] | undefined = report?.rows.map((row) => row.accuracy);
  assert.ok(report?.complete && accuracies?.length && accuracies.every((each) => each === 0.75));

  const csv = await client.GET("/v1/jobs/{job_id}/report.csv", { params, parseAs: "text" });
  assert.equal(csv.data?.trim().split("\n").length, 1 + report.rows.length);

  const refused = await client.POST("/v1/jobs", { body: { ...spec, name: "" } });
  assert.equal(refused.error?.errors?.[0]?.field, "name");
}

void main(process.argv[2]!, process.argv[3]!);
