// The `search` section of a config, and the journal that a search leaves.

import * as z from 'zod/mini';
import { Count, Name } from './names.ts';

/** Bounds of one number: `[min, max]`, or with a scale and whole numbers only. */
const Range = z.union([
  z.tuple([z.number(), z.number()]),
  z.strictObject({
    min: z.number(),
    max: z.number(),
    scale: z._default(z.enum(['linear', 'log']), 'linear'),
    integer: z._default(z.boolean(), false),
  }),
]);
export type Range = z.infer<typeof Range>;

/** A metric that has to stay within limits; one of them at least. */
const Constraint = z
  .strictObject({ metric: z.string(), min: z.optional(z.number()), max: z.optional(z.number()) })
  .check(z.refine((constraint) => constraint.min !== undefined || constraint.max !== undefined, 'expected min or max'));

/** The `search` section. */
export const SearchConfig = z.strictObject({
  /** By path in the config, e.g. `parameters.lambda` or `models.cola.parameters.weight`. */
  space: z.record(z.string(), Range),
  /** Metrics to trade off against each other: scores are maximised, bytes and milliseconds minimised. */
  objectives: z.array(z.string()).check(z.minLength(1), z.maxLength(6)),
  constraints: z._default(z.array(Constraint).check(z.maxLength(16)), () => []),
  /** Further data, e.g. a safety set: rows of `task` in the data folder `data`, answered by the head of `expert`. */
  sets: z._default(z.record(Name, z.strictObject({ data: z.string(), task: z.string(), expert: Name })), () => ({})),
  /** Configs that are measured on all rows. */
  budget: z.int().check(z.minimum(1), z.maximum(100_000)),
  /** How many of them are chosen without knowledge of others; two a dimension and two by default. */
  initial: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))),
  /** Configs that are suggested at a time and may be measured in parallel. */
  parallel: z._default(z.int().check(z.minimum(1), z.maximum(64)), 2),
  /** The initial configs are the best of so many candidates on the first rows of each task. */
  screening: z.optional(
    z.strictObject({ candidates: z.int().check(z.minimum(1), z.maximum(10_000)), rows: z.int().check(z.minimum(1), z.maximum(1_000_000)) }),
  ),
  seed: z._default(Count, 0),
});
export type SearchConfig = z.infer<typeof SearchConfig>;

/** A score by each way of answering that was measured. */
const RouteScores = z.strictObject({ shared: z.optional(z.number()), oracle: z.optional(z.number()), routed: z.optional(z.number()) });
export type RouteScores = z.infer<typeof RouteScores>;

/** What was measured of a config. */
export const Measurement = z.strictObject({
  /** By task. */
  tasks: z.record(z.string(), RouteScores),
  /** By set. */
  sets: z.record(z.string(), RouteScores),
  /** Shared model, experts and tokenizer; without routers and reports. */
  pack_bytes: z.number(),
  /** What comes on top of the shared model. */
  extra_bytes: z.number(),
  /** Median of one row alone; measured when a metric asks for it. */
  latency_ms: z.optional(z.number()),
});
export type Measurement = z.infer<typeof Measurement>;

/** First line of a journal. */
export const JournalHead = z.strictObject({
  /** Hash of everything that the trials depend on; the budget may be raised. */
  search: z.string(),
  /** The experts' own scores, by task: on all rows, and on the screened ones. */
  individual: z.strictObject({ full: z.record(z.string(), z.number()), screening: z.record(z.string(), z.number()) }),
});
export type JournalHead = z.infer<typeof JournalHead>;

/** A further line: a config that was measured, or that has no merge (`error`). */
export const Trial = z.strictObject({
  stage: z.enum(['screening', 'full']),
  /** Number within its stage, from 0. */
  trial: Count,
  /** In the order of the space. */
  values: z.array(z.number()),
  measurement: z.optional(Measurement),
  error: z.optional(z.string()),
});
export type Trial = z.infer<typeof Trial>;
