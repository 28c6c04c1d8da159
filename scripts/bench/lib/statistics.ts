// Order statistics of measured times, with intervals that assume no distribution.

import type { Random } from '../../../src/core/random.ts';

/** A quantile with its 95 % percentile-bootstrap interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 1000;

/**
 * The `q`-quantile by linear interpolation.
 * @param sorted ascending, at least one
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const next = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[next] - sorted[below]) * (at - below);
}

/** The median of values in any order. */
export function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}

/**
 * Quantiles with intervals, all from the same resamples.
 * Cost: O(1000 · n log n)
 */
export function estimateQuantiles(values: readonly number[], quantiles: readonly number[], random: Random): Estimate[] {
  const sorted = Float64Array.from(values).sort();
  const drawn = quantiles.map(() => new Float64Array(RESAMPLES));
  const sample = new Float64Array(values.length);
  for (let r = 0; r < RESAMPLES; r++) {
    for (let i = 0; i < sample.length; i++) sample[i] = values[random.below(values.length)];
    sample.sort();
    for (const [k, q] of quantiles.entries()) drawn[k][r] = quantile(sample, q);
  }
  return quantiles.map((q, k) => {
    const ordered = drawn[k].sort();
    return { value: quantile(sorted, q), low: quantile(ordered, 0.025), high: quantile(ordered, 0.975) };
  });
}

/**
 * A statistic of groups of values with its 95 % percentile-bootstrap interval; values are drawn anew within each group.
 * Cost: 300 times that of the statistic
 */
export function estimateStatistic(
  groups: readonly (readonly number[])[],
  statistic: (groups: readonly (readonly number[])[]) => number,
  random: Random,
): Estimate {
  const drawn = Float64Array.from({ length: 300 }, () =>
    statistic(groups.map((values) => values.map(() => values[random.below(values.length)]))),
  ).sort();
  return { value: statistic(groups), low: quantile(drawn, 0.025), high: quantile(drawn, 0.975) };
}
