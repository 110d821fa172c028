/**
 * Types that the scripts in `static/` share. The types of the API's answers come from its own OpenAPI document:
 * `make check` writes `build/api.d.ts` from it, so a script that reads a field that the API does not send is an error.
 */

import type { init } from "echarts/core";
import type { paths } from "../../../../build/api";

declare global {
  /** Set by `echarts.js`, which is loaded when the first chart is drawn. */
  var echarts: { init: typeof init } | undefined;
  /** Not in the types of TypeScript 5. */
  var trustedTypes:
    { createPolicy(name: string, rules: { createHTML(text: string): string | null }): unknown } | undefined;
}

/** The body of a successful answer to GET, by path. */
export type Answers = {
  [Path in keyof paths]: paths[Path] extends {
    get: { responses: { 200: { content: { "application/json": infer Body } } } };
  }
    ? Body
    : never;
};

/** The names in braces of a path: `"job_id"` of `/v1/jobs/{job_id}`. */
export type PathNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathNames<Rest>
  : never;

export type Job = Answers["/v1/jobs/{job_id}"];
export type JobState = Job["state"];
export type JobNotifications = Answers["/v1/jobs/{job_id}/notifications"];
export type Delivery = NonNullable<Job["webhook"]> | JobNotifications["messages"][number];
export type Plan = Answers["/v1/jobs/{job_id}/plan"];
export type PlannedStep = Plan["steps"][number];
export type Step = Job["pipelines"][number]["steps"][number];
export type StepDetail = Answers["/v1/steps/{key}"];
export type JobSummary = Answers["/v1/jobs"]["jobs"][number];
export type Report = Exclude<Answers["/v1/jobs/{job_id}/report"], string>;
export type ReportRow = Report["rows"][number];
export type Sensitivity = Answers["/v1/jobs/{job_id}/models/{sha256}/sensitivity"];
export type Recommendation = Answers["/v1/jobs/{job_id}/recommendation"];
export type DeviceRecommendation = Recommendation["devices"][number];
export type Candidate = DeviceRecommendation["candidates"][number];
export type Goals = Recommendation["goals"];
export type Comparison = Answers["/v1/comparison"];
export type PinnedComparison = Answers["/v1/comparisons"]["comparisons"][number];
export type ComparedFile = Comparison["rows"][number]["jobs"][number];
export type DeviceList = Answers["/v1/devices"];
export type Device = DeviceList["devices"][number];
export type LatencyModel = Answers["/v1/devices/{name}/latency-model"];
export type Method = Answers["/v1/methods"]["methods"][number];
export type Chart = Answers["/v1/jobs/{job_id}/charts"]["charts"][number];
export type ChartSeries = Chart["series"][number];
export type ChartPoint = ChartSeries["points"][number];
export type Trials = Answers["/v1/jobs/{job_id}/trials"];
export type Trial = Trials["trials"][number];
export type SearchAnalysis = Answers["/v1/jobs/{job_id}/trials/analysis"];
export type ParallelChart = NonNullable<SearchAnalysis["parallel"]>;
export type Figures = Answers["/v1/figures"];
export type Figure = Figures["figures"][number];
export type Export = Answers["/v1/exports"]["exports"][number];
export type Architecture = Answers["/v1/architectures"]["architectures"][number];
export type Samples = Answers["/v1/datasets/{source}/samples"];
export type FileErrors = Answers["/v1/jobs/{job_id}/models/{sha256}/errors"];
export type Dataset = Answers["/v1/datasets/{sha256}"];
export type Model = Answers["/v1/models/{sha256}"];
type PostedJob = paths["/v1/jobs"]["post"]["responses"];
export type AcceptedJob = PostedJob[202]["content"]["application/json"];
export type PlanPreview = PostedJob[200]["content"]["application/json"];
export type Estimate = NonNullable<PlanPreview["estimate"]>;

/** A problem as RFC 9457 describes it; of one that no gateway sent, only these are known. */
export interface ProblemDocument {
  title: string;
  detail: string;
  status: number;
  errors?: { field: string; message: string; accepted?: string | null }[];
}

/** The data of an event of a job's stream. */
export interface JobEvent {
  type: string;
  at: string;
  data: {
    step: string;
    state?: string;
    attempt?: number;
    epoch?: number;
    epochs?: number;
    metrics?: Record<string, number>;
  };
}

/** The data of the event `progress`. */
export interface ProgressEvent {
  progress: number;
  running: RunningStep[];
}

export interface RunningStep {
  key: string;
  title: string;
  progress: Step["progress"];
}

/** The metrics of an epoch, by name; `null` for a metric that was not measured. */
export type Metrics = Record<string, number | null | undefined>;

/** A child of an element. `null`, `undefined`, `false` and `""` are left out. */
export type Child = Node | string | number | boolean | null | undefined | Child[];

/** Attributes and, by `on...`, event listeners of an element. `null`, `undefined` and `false` are left out. */
export interface Attributes {
  onclick?: ((event: MouseEvent) => unknown) | null;
  onchange?: (event: Event) => unknown;
  oninput?: (event: Event) => unknown;
  onsubmit?: (event: SubmitEvent) => unknown;
  [name: string]: string | number | boolean | null | undefined | ((event: never) => unknown);
}

export interface Column {
  title: string;
  number?: boolean;
}

/** The part of JSON Schema that the API writes. */
export interface Schema {
  $ref?: string;
  type?: string;
  description?: string;
  format?: string;
  const?: unknown;
  enum?: (string | number)[];
  default?: any;
  anyOf?: Schema[];
  oneOf?: Schema[];
  discriminator?: { propertyName: string; mapping: Record<string, string> };
  properties?: Record<string, Schema>;
  items?: Schema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

/** The JSON Schema of a spec. */
export interface SpecSchema extends Schema {
  $defs: Record<string, Schema>;
}

export type Path = (string | number)[];

/** A field of a form; see `static/fields.js`. */
export interface Field {
  element: HTMLElement;
  control?: HTMLInputElement | HTMLSelectElement;
  /** What the user chose; undefined where it is the default. */
  value(): any;
  set(value: any): void;
  /** The field for a path in the value, as far down as one exists. */
  find(path: Path): Field;
  /** Show what is wrong with the value; an empty message removes it. */
  complain(message: string): void;
}

export interface ControlField<Control extends HTMLElement = HTMLInputElement> extends Field {
  control: Control & (HTMLInputElement | HTMLSelectElement);
}

export interface ObjectField extends Field {
  fields: Record<string, Field>;
}

/** Titles and descriptions of the alternatives of a union, by tag, and the one that is selected first. */
export interface UnionWords {
  titles?: Record<string, string>;
  words?: Record<string, string>;
  first?: string | null;
  isBare?: boolean;
}

export type MakeField = (form: Form, schema: Schema, path: string) => Field;

/** What all fields of a form share. */
export interface Form {
  /** The document in which references are looked up. */
  document: SpecSchema;
  /** Functions that make a field where a schema is not enough, by the end of its path. */
  widgets: Record<string, MakeField>;
  /** What to show of the alternatives of a union, by the name of the property that distinguishes them. */
  unions: Record<string, UnionWords>;
}
