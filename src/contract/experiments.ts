// Experiments between merge configs, as they are published to the edge.

import * as z from 'zod/mini';
import { usableWeights } from '../core/experiment/bucket.ts';
import { LOGARITHMIC } from '../core/experiment/metrics.ts';
import { ConfigId, Fraction, Name } from './names.ts';

/** Limits, with reasons. */
export const EXPERIMENT_LIMITS = {
  /** Each costs one bucket per request, and one look-up per feedback. */
  experiments: 20,
  /** More arms than that share too little traffic each to tell anything. */
  arms: 10,
  /** Longest id of an end user, in UTF-16 units. */
  userChars: 200,
} as const;

/** One way to merge, and its share of the traffic. */
const Arm = z.strictObject({ name: Name, config: ConfigId, weight: Fraction });

/** What is measured of every answer; `outcome.NAME` is what feedback under that name said. */
export const Metric = z
  .string()
  .check(
    z.regex(
      /^(error|abstain|latency_ms|confidence|outcome\.[a-z0-9][a-z0-9._-]{0,31})$/i,
      'expected error, abstain, latency_ms, confidence or outcome.NAME',
    ),
  );

/** A limit that an arm must not pass. Harm is judged against the first arm. */
const Guardrail = z
  .strictObject({
    metric: Metric,
    /** Which way is bad; by default `down` for confidence and outcomes, `up` for the others. */
    harm: z.optional(z.enum(['up', 'down'])),
    /** Harm that is tolerated, in the metric's own unit; not for latencies. */
    margin: z._default(z.number().check(z.minimum(0)), 0),
    /** Harm that is tolerated, as a share of the first arm's value. */
    relative: z._default(z.number().check(z.minimum(0), z.maximum(100)), 0),
    /** Observations that both arms need before it acts. */
    min_samples: z._default(z.int().check(z.minimum(1)), 100),
    /** Units (users or keys) that both arms need before it acts. */
    min_units: z._default(z.int().check(z.minimum(2)), 20),
    action: z._default(z.enum(['freeze', 'rollback']), 'rollback'),
  })
  .check(
    z.refine(({ metric, margin }) => margin === 0 || !LOGARITHMIC.has(metric), {
      path: ['margin'],
      error: 'expected relative in its place: latencies are compared as ratios',
    }),
  );
export type Guardrail = z.infer<typeof Guardrail>;

const Range = z.tuple([Fraction, Fraction]);

/** One experiment. */
export const Experiment = z
  .strictObject({
    key: Name,
    /** Hash seed; the key when absent. */
    seed: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
    hash_version: z._default(z.union([z.literal(1), z.literal(2)]), 2),
    /** What is assigned: the request's `user`, or the caller's `key`. */
    unit: z._default(z.enum(['user', 'key']), 'user'),
    /** The first is the one that others are compared with, and to which a rollback returns. */
    arms: z.array(Arm).check(z.minLength(2), z.maxLength(EXPERIMENT_LIMITS.arms)),
    coverage: z._default(Fraction, 1),
    namespace: z.optional(z.strictObject({ name: z.string().check(z.minLength(1), z.maxLength(200)), range: Range })),
    holdout: z.optional(z.strictObject({ name: Name, share: Fraction })),
    ramp: z.optional(
      z.strictObject({
        start: z.iso.datetime({ offset: true }),
        steps: z
          .array(z.strictObject({ after_seconds: z.number().check(z.minimum(0)), coverage: Fraction }))
          .check(z.minLength(1), z.maxLength(50), z.refine(rising, 'expected steps by rising after_seconds')),
      }),
    ),
    /** A config that is also run, unseen by the caller, on a share of the enrolled requests. */
    shadow: z.optional(z.strictObject({ config: ConfigId, share: Fraction })),
    /** Whether a request may name its arm in a header. */
    allow_forced: z._default(z.boolean(), false),
    guardrails: z._default(z.array(Guardrail).check(z.maxLength(10)), () => []),
    /**
     * `running`; `frozen`: the ramp stands still, everyone keeps their arm; `rolled_back`: everyone enrolled gets the first arm; `stopped`: nobody
     * is enrolled.
     */
    status: z._default(z.enum(['running', 'frozen', 'rolled_back', 'stopped']), 'running'),
  })
  .check(
    z.refine(({ arms }) => distinct(arms.map(({ name }) => name)), { path: ['arms'], error: 'expected arms of distinct names' }),
    z.refine(({ arms }) => sumsToOne(arms.map(({ weight }) => weight)), { path: ['arms'], error: 'expected weights that sum to 1' }),
    z.refine(({ namespace }) => namespace === undefined || namespace.range[0] <= namespace.range[1], {
      path: ['namespace'],
      error: 'expected a range that does not end before it starts',
    }),
  );
export type Experiment = z.infer<typeof Experiment>;

/** What is published: experiments by precedence. A request is enrolled in the first that takes it. */
export const Experiments = z.strictObject({
  experiments: z.array(Experiment).check(
    z.maxLength(EXPERIMENT_LIMITS.experiments),
    z.refine((experiments) => distinct(experiments.map(({ key }) => key)), 'expected distinct keys'),
  ),
});

function distinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}

/** With GrowthBook's tolerance; beyond it its SDKs fall back to equal weights, which nobody means who wrote others. */
function sumsToOne(weights: readonly number[]): boolean {
  return usableWeights(weights.length, weights) === weights;
}

function rising(steps: readonly { readonly after_seconds: number }[]): boolean {
  return steps.every(({ after_seconds }, i) => i === 0 || after_seconds > steps[i - 1].after_seconds);
}
