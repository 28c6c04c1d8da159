// report.json: what `twinroute report` measured of packs on labelled rows. Scores are fractions, normalised ones percent of the experts' own.

import * as z from 'zod/mini';
import { ConfigId, Count, Fraction, Name } from './names.ts';
import { MetricName } from './tasks.ts';

const Known = z.nullable(z.number());

/** A task's scores; null where something was not measured. */
export const MeasuredTask = z.strictObject({
  metric: MetricName,
  rows: Count,
  /** θ_0 with the expert's head. */
  base: Known,
  /** θ_t itself. */
  individual: Known,
  /** The shared model alone with the expert's head. */
  shared: z.number(),
  /** With the task's own mix and head. */
  oracle: z.number(),
  /** As a caller gets it; rows that went to another expert count as wrong. */
  routed: z.number(),
  routed_to_own: Fraction,
  /** Standard error of `routed` against `individual`, in percent of the latter. */
  standard_error: Known,
});
export type MeasuredTask = z.infer<typeof MeasuredTask>;

/** Percent of the experts' own scores over tasks; null where those are not known. */
const Summary = z.nullable(
  z.strictObject({
    mean: z.number(),
    worst: z.strictObject({ task: z.string(), percent: z.number() }),
    /** Without the noisiest task. */
    mean_without: Known,
  }),
);

const Flops = z.strictObject({ total: z.number(), modules: z.number() });

/** A pack with what was measured of it. */
export const MeasuredPack = z.strictObject({
  /** Tells the packs of a report apart. */
  label: z.string(),
  name: Name,
  config: ConfigId,
  method: z.string(),
  /** Bytes by part. */
  bytes: z.record(z.string(), Count),
  /** FLOPs a token in requests of the typical length, counted from shapes. */
  flops_per_token: z.strictObject({ tokens: Count, plain: Flops, one_expert: Flops, all_experts: Flops }),
  /** One request of the typical length, alone, through the pack's session with all experts resident. */
  latency: z.strictObject({ tokens: Count, runs: Count, p50_ms: z.number(), p95_ms: z.number() }),
  tasks: z.record(z.string(), MeasuredTask),
  /** The task whose normalised score is the least certain. */
  noisiest: z.nullable(z.string()),
  normalised: z.strictObject({ base: Summary, shared: Summary, oracle: Summary, routed: Summary }),
  routing: z.strictObject({
    accuracy: Fraction,
    truth: z.array(z.string()),
    answered: z.array(z.string()),
    /** Rows by task and answering expert. */
    confusion: z.array(z.array(Count)),
    calibration_error: Fraction,
    calibration: z.array(z.strictObject({ rows: Count, confidence: Fraction, accuracy: Fraction })),
  }),
  /** By expert and tensor, where only a part was kept. */
  kept_energy: z.record(z.string(), z.record(z.string(), Fraction)),
});
export type MeasuredPack = z.infer<typeof MeasuredPack>;

/** report.json. */
export const MeasuredReport = z.strictObject({
  split: z.string(),
  /** Rows a task at most, the first ones; null for all. */
  limit: z.nullable(Count),
  /** Where latency was measured. */
  machine: z.strictObject({
    cpu: z.string(),
    cores: Count,
    platform: z.string(),
    node: z.string(),
    /** Processes that wanted a core in the minute before, on average; 0 where the system does not tell. */
    load: z.number(),
  }),
  packs: z.array(MeasuredPack).check(z.minLength(1)),
});
export type MeasuredReport = z.infer<typeof MeasuredReport>;
