// Bodies of the experiments' part of the edge's HTTP interface.

import * as z from 'zod/mini';
import { ConfigId, Count, Fraction, Name } from './names.ts';

/** Longest id of a request: the caller's own (100) and the place in a batch. */
const RequestId = z.string().check(z.regex(/^[\w.:-]{1,110}$/, 'expected the id of an answer'));

/** Body of `POST /v1/feedback`. */
export const FeedbackRequest = z.strictObject({
  /** `id` of the answer. */
  request_id: RequestId,
  /** How it turned out; true counts as 1, false as 0. */
  outcome: z.union([z.boolean(), z.number().check(z.minimum(-1e9), z.maximum(1e9))]),
  /** What the outcome says; the metric is `outcome.NAME`. */
  name: z._default(
    z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, 'expected 1 to 32 letters, digits, dots, dashes')),
    'default',
  ),
});
export type FeedbackRequest = z.infer<typeof FeedbackRequest>;

/** Answer of `POST /v1/feedback`. */
export const FeedbackAnswer = z.strictObject({
  request_id: z.string(),
  name: z.string(),
  experiment: Name,
  arm: z.string(),
  /** False when this id had an outcome of this name: the first one counts. */
  recorded: z.boolean(),
});
export type FeedbackAnswer = z.infer<typeof FeedbackAnswer>;

/** An interval that holds at every look, at 95 %; null where there is no bound yet. */
const IntervalAnswer = z.strictObject({ estimate: z.nullable(z.number()), low: z.nullable(z.number()), high: z.nullable(z.number()) });
export type IntervalAnswer = z.infer<typeof IntervalAnswer>;

/** What happens to requests of an experiment now. */
export const ExperimentStatus = z.enum(['running', 'frozen', 'rolled_back', 'stopped']);
export type ExperimentStatus = z.infer<typeof ExperimentStatus>;

/** What an arm's traffic was like. */
const ArmReport = z.strictObject({
  name: z.string(),
  config: z.nullable(ConfigId),
  weight: z.nullable(Fraction),
  units: Count,
  /** Requests that an origin answered and confirmed the config of. */
  exposures: Count,
  failures: Count,
  /** By metric; latencies by their geometric mean. */
  metrics: z.record(z.string(), z.extend(IntervalAnswer, { samples: Count })),
  latency_ms: z.strictObject({ p50: z.nullable(z.number()), p95: z.nullable(z.number()), p99: z.nullable(z.number()) }),
});
export type ArmReport = z.infer<typeof ArmReport>;

/** An entry of an experiment's audit log. */
const AuditEntry = z.strictObject({
  time: z.iso.datetime(),
  /** `published` by the operator; `freeze` and `rollback` by guardrails or sample ratio. */
  event: z.enum(['published', 'freeze', 'rollback']),
  reason: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** Answer of `GET /v1/experiments/{key}`. */
export const ExperimentReport = z.strictObject({
  key: Name,
  /** Changes with the arms, the weights and the hash; measurements are kept by it. */
  design: z.string(),
  status: ExperimentStatus,
  coverage: Fraction,
  arms: z.array(ArmReport),
  /** Units that the holdout kept out, on the default config. */
  holdout: z.optional(ArmReport),
  /** Each arm against the first, by metric; latencies as a ratio less 1. */
  differences: z.array(z.extend(IntervalAnswer, { arm: z.string(), metric: z.string() })),
  sample_ratio: z.strictObject({
    expected: z.array(z.number()),
    observed: z.array(Count),
    p_value: z.number(),
    sequential_p_value: z.number(),
    mismatch: z.boolean(),
  }),
  guardrails: z.array(
    z.strictObject({
      metric: z.string(),
      arm: z.string(),
      state: z.enum(['waiting', 'within', 'unclear', 'breached']),
      excess: z.optional(IntervalAnswer),
    }),
  ),
  shadow: z.optional(
    z.strictObject({
      config: ConfigId,
      answered: Count,
      failures: Count,
      /** Share of classifications with the same task and label. */
      agreement: z.nullable(Fraction),
      /** Mean distance: half the sum of differences of probabilities, or of a regression's values. */
      distance: z.nullable(z.number()),
      latency_ms: ArmReport.shape.latency_ms,
    }),
  ),
  audit: z.array(AuditEntry),
});
export type ExperimentReport = z.infer<typeof ExperimentReport>;

/** An arm's or a difference's intervals at one time. */
const PointArm = z.strictObject({ name: z.string(), exposures: Count, metrics: z.record(z.string(), IntervalAnswer) });

/** What was known at one time. */
const HistoryPoint = z.strictObject({
  time: z.iso.datetime(),
  arms: z.array(PointArm),
  differences: ExperimentReport.shape.differences,
});
export type HistoryPoint = z.infer<typeof HistoryPoint>;

/** Answer of `GET /v1/experiments/{key}/history`: oldest first, at most `HISTORY_POINTS`, evenly spread over the time that there was traffic. */
export const ExperimentHistory = z.strictObject({ key: Name, design: z.string(), points: z.array(HistoryPoint) });
export type ExperimentHistory = z.infer<typeof ExperimentHistory>;

/** Points that are kept: enough for a line, and a few hundred kilobytes with every arm and metric that there may be. */
export const HISTORY_POINTS = 64;

/** Answer of `GET /v1/experiments`. */
export const ExperimentsAnswer = z.strictObject({
  experiments: z.array(
    z.strictObject({
      key: Name,
      design: z.string(),
      status: ExperimentStatus,
      coverage: Fraction,
      arms: z.array(z.strictObject({ name: z.string(), config: ConfigId, weight: Fraction })),
      /** Why it enrols nobody, when it is published but cannot run. */
      problem: z.optional(z.string()),
    }),
  ),
});
export type ExperimentsAnswer = z.infer<typeof ExperimentsAnswer>;
