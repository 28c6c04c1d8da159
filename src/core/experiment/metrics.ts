// What is measured of a request in an experiment, and in which unit it is counted.

import type { Values } from './moments.ts';

/** Metrics that are 0 or 1 for every request. */
export const PROPORTIONS: ReadonlySet<string> = new Set(['error', 'abstain']);

/**
 * Metrics that are counted as logarithms and compared as ratios. Latencies are: their tail is so long that the mean of thousands is still far from
 * normal, and intervals around it miss the truth far more often than they say; around the mean of logarithms they do not.
 */
export const LOGARITHMIC: ReadonlySet<string> = new Set(['latency_ms']);

/** Shorter latencies count as this: clocks at the edge stand still while it computes. */
const SHORTEST_MS = 0.1;

/** One answered request. */
export interface Answered {
  readonly latency_ms: number;
  /** The highest probability of a classification. */
  readonly confidence?: number | undefined;
  readonly abstained: boolean;
}

/** A request's values by metric; undefined for one that its arm failed to answer. */
export function valuesOf(answered: Answered | undefined): Values {
  if (answered === undefined) return { error: 1 };
  const { latency_ms, confidence, abstained } = answered;
  return {
    error: 0,
    abstain: abstained ? 1 : 0,
    latency_ms: Math.log(Math.max(SHORTEST_MS, latency_ms)),
    ...(confidence === undefined ? {} : { confidence }),
  };
}
