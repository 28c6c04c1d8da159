// Bodies of the edge's HTTP interface. Requests are strict: an unknown field is a mistake that the caller wants to hear of.

import * as z from 'zod/mini';
import { EdgeExpert } from './edge-bundle.ts';
import { EXPERIMENT_LIMITS } from './experiments.ts';
import { Receipt } from './receipt.ts';
import { ConfigId, Count, Fraction, Name } from './names.ts';

/** Limits of a request, with reasons. */
export const HTTP_LIMITS = {
  /** Whole body; a batch of 64 long texts fits, an attack on memory does not. */
  bodyBytes: 1 << 20,
  /** One text in UTF-16 units: about forty times what a 512-token model reads. */
  textChars: 100_000,
  /** Inputs of a batch. */
  batch: 64,
  /** Brackets inside brackets: a mix of a batch's input needs five. */
  jsonDepth: 16,
  /** Longest wait for a body, in milliseconds, where a request has no deadline of its own. */
  bodyMs: 10_000,
} as const;

/** A text. Lone surrogates become U+FFFD here, as any UTF-8 encoder would make them, so that router and origin read the same. */
const Text = z.string().check(
  z.regex(/\S/, 'expected a text that is not empty'),
  z.maxLength(HTTP_LIMITS.textChars),
  z.overwrite((text) => text.toWellFormed()),
);

/** A mix in a request: `{"cola": 0.7, "sst2": 0.3}` or the answer's own `[{expert, weight}]` form. */
export const MixInput = z.union([z.record(Name, z.number()), z.array(z.strictObject({ expert: Name, weight: z.number() }))], {
  error: 'expected finite weights by expert, {"name": weight} or [{"expert": "name", "weight": weight}]',
});
export type MixInput = z.infer<typeof MixInput>;

/** One input of `/v1/predict`. */
export const PredictInput = z.strictObject({
  text: Text,
  text_pair: z.optional(Text),
  /** Expert to answer with; the router is not asked. */
  task: z.optional(Name),
  /** Mix to merge with, weights ≥ 0 whose sum is at most 1 (the rest is the shared model); the router is not asked. */
  mix: z.optional(MixInput),
  /** Overrides the policy's top_k. */
  top_k: z.optional(z.int().check(z.minimum(1), z.maximum(64))),
  /** Config to answer with; otherwise that of the experiment that the request is enrolled in, or the first one. */
  config: z.optional(ConfigId),
  /** The end user, in whatever words the caller keeps them apart: experiments give each the same config again and again. */
  user: z.optional(z.string().check(z.minLength(1), z.maxLength(EXPERIMENT_LIMITS.userChars))),
  /** Adds router scores, endpoint and placement to the answer. */
  explain: z.optional(z.boolean()),
  /** An answer that was given to the same question before will do, where the edge keeps answers. */
  cache: z.optional(z.boolean()),
});
export type PredictInput = z.infer<typeof PredictInput>;

/** A batch for `/v1/predict`, its inputs not yet looked at: a bad one fails alone. */
export const PredictEnvelope = z.strictObject({ inputs: z.array(z.unknown()).check(z.minLength(1), z.maxLength(HTTP_LIMITS.batch)) });

/** Body of `/v1/predict`: one input or a batch. */
export const PredictRequest = z.union([
  PredictInput,
  z.strictObject({ inputs: z.array(PredictInput).check(z.minLength(1), z.maxLength(HTTP_LIMITS.batch)) }),
]);

/** One weight of a mix. */
export const MixEntry = z.strictObject({ expert: Name, weight: z.number() });

/** One answer of `/v1/predict`. */
export const Prediction = z.strictObject({
  id: z.string(),
  /** The expert whose head answered. */
  task: Name,
  /** The class with the highest score; null for a regression, or a text that names none. */
  label: z.nullable(z.string()),
  /** Probability by class name; for a regression the value by its name. */
  scores: z.record(z.string(), z.number()),
  mix: z.array(MixEntry),
  config: ConfigId,
  usage: z.strictObject({ tokens: Count, experts: Count, truncated: z.boolean() }),
  /** Milliseconds as the edge's clock shows them (deployed Workers freeze it while computing). */
  timing: z.strictObject({ router_ms: z.number(), origin_ms: z.number(), total_ms: z.number() }),
  /** The router was not sure enough: the shared model answered without any expert's module. */
  abstained: z.boolean(),
  /** Set when no endpoint held the whole mix, or what answered could not merge it: what was asked for and which share of its weight was served. */
  cut: z.optional(
    z.strictObject({
      wanted: z.array(MixEntry),
      covered: Fraction,
      /** Set when the engine takes one adapter at a time: the best expert answered alone, at full scale. */
      reason: z.optional(z.literal('one_adapter')),
    }),
  ),
  /** What an engine wrote that gives text. `label` is then the class that the text names, null when it names none; `scores` are empty, or the number of a regression. */
  output: z.optional(z.strictObject({ text: z.string(), finish: z.enum(['stop', 'length']) })),
  /** Set when it was answered before, for the same caller; usage and endpoint are those of then. */
  cached: z.optional(z.literal(true)),
  /** The experiment that chose the config. */
  experiment: z.optional(z.strictObject({ key: Name, arm: z.string(), forced: z.optional(z.boolean()) })),
  explain: z.optional(
    z.strictObject({
      router: z.array(z.strictObject({ expert: Name, score: z.number() })),
      routed_by: z.enum(['edge', 'origin', 'caller']),
      endpoint: z.string(),
      attempts: Count,
      /** What the origin signed for the answer; absent where edge and origins do not sign. */
      receipt: z.optional(Receipt),
    }),
  ),
});
export type Prediction = z.infer<typeof Prediction>;

/** The one error shape. */
export const ErrorBody = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    param: z.optional(z.string()),
    /** What a program needs to react: the amounts behind a 402, the state behind a 409. */
    details: z.optional(z.record(z.string(), z.union([z.string(), z.number()]))),
    request_id: z.string(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** Batch answer of `/v1/predict`: answers in the order of the inputs, each an answer or an error. */
export const PredictBatch = z.strictObject({ id: z.string(), predictions: z.array(z.union([Prediction, ErrorBody])) });
export type PredictBatch = z.infer<typeof PredictBatch>;

/** Answer of `/v1/predict`, in the form of the request. */
export const PredictAnswer = z.union([Prediction, PredictBatch]);

/** Body of `/v1/route`. */
export const RouteRequest = z.strictObject({
  text: Text,
  text_pair: z.optional(Text),
  top_k: z.optional(z.int().check(z.minimum(1), z.maximum(64))),
  config: z.optional(ConfigId),
});

/** Answer of `/v1/route`. */
export const RouteAnswer = z.strictObject({
  id: z.string(),
  config: ConfigId,
  scores: z.array(z.strictObject({ expert: Name, score: z.number() })),
  mix: z.array(MixEntry),
  abstained: z.boolean(),
});
export type RouteAnswer = z.infer<typeof RouteAnswer>;

/** Answer of `/v1/experts`. */
export const ExpertsAnswer = z.strictObject({ config: ConfigId, experts: z.array(EdgeExpert) });
export type ExpertsAnswer = z.infer<typeof ExpertsAnswer>;

/** Answer of `/v1/configs`: the first is the default. */
export const ConfigsAnswer = z.strictObject({
  configs: z.array(
    z.strictObject({
      config: ConfigId,
      name: Name,
      method: z.string(),
      parameters: z.record(z.string(), z.unknown()),
      routing: z.enum(['edge', 'origin', 'auto']),
      experts: z.array(Name),
    }),
  ),
});
export type ConfigsAnswer = z.infer<typeof ConfigsAnswer>;

/** Answer of `/health`: what this isolate knows; `degraded` when it takes no endpoint for healthy. */
export const HealthAnswer = z.strictObject({
  status: z.enum(['ok', 'degraded']),
  configs: Count,
  /** Where packs are published: the version that is served, null for what was deployed, and the code of what keeps the edge from a newer one. */
  release: z.optional(z.strictObject({ version: z.nullable(Count), problem: z.optional(z.string()) })),
  endpoints: z.array(
    z.strictObject({
      id: Name,
      /** Whether it takes a request now. */
      up: z.boolean(),
      /** `full`: as many requests under way as it may have; `open`: not reached, or it said that it cannot serve; `ejected`: failed too many. */
      state: z.enum(['up', 'full', 'open', 'ejected']),
      in_flight: Count,
      /** Peak-EWMA estimate. */
      latency_ms: z.number(),
      /** Of the last ten seconds. */
      failure_share: Fraction,
    }),
  ),
});
export type HealthAnswer = z.infer<typeof HealthAnswer>;
