// Whether the arms got the units that their weights promise. If not, something loses or doubles units by arm, and no comparison of the arms
// can be trusted.

import { bucketRanges } from './bucket.ts';
import { gammaTail, logGamma } from './log-gamma.ts';

/** A mismatch is called at this chance of a false alarm, as GrowthBook does. */
export const SAMPLE_RATIO_ALPHA = 0.001;

/** The mixture's weight in units: mismatches of a few percent are found soonest. */
const PRIOR_UNITS = 100;

/** What the counts say. */
export interface SampleRatio {
  readonly expected: readonly number[];
  readonly observed: readonly number[];
  /** Pearson's χ² test for one look at the data; looked at again and again it alarms more often than it says. */
  readonly p_value: number;
  /** 1 over the evidence of a sequential test; smaller than α at any look means mismatch. */
  readonly sequential_p_value: number;
  readonly mismatch: boolean;
}

/**
 * Compares the units of each arm with the weights.
 * @param units by arm
 * @param weights by arm, as in `AssignmentRule`
 * Source: Lindon and Malek 2020, arXiv:2011.03567 (Dirichlet mixture of multinomials, valid at every look)
 */
export function sampleRatio(units: readonly number[], weights: readonly number[]): SampleRatio {
  const widths = bucketRanges(weights.length, 1, weights).map(([start, end]) => Math.max(0, Math.min(1, end) - start));
  const whole = widths.reduce((sum, width) => sum + width, 0);
  const total = units.reduce((sum, count) => sum + count, 0);
  // An arm of no weight gets nobody and says nothing.
  const arms = widths.flatMap((width, i) => (width > 0 ? [{ share: width / whole, count: units[i] }] : []));
  const expected = widths.map((width) => (total * width) / whole);
  if (total === 0 || arms.length < 2) return { expected, observed: units, p_value: 1, sequential_p_value: 1, mismatch: false };
  const chiSquare = arms.reduce((sum, { share, count }) => sum + (count - total * share) ** 2 / (total * share), 0);
  const evidence = arms.reduce(
    (sum, { share, count }) => {
      const prior = PRIOR_UNITS * share;
      return sum + logGamma(prior + count) - logGamma(prior) - count * Math.log(share);
    },
    logGamma(PRIOR_UNITS) - logGamma(PRIOR_UNITS + total),
  );
  const sequential = Math.min(1, Math.exp(-evidence));
  return {
    expected,
    observed: units,
    p_value: gammaTail((arms.length - 1) / 2, chiSquare / 2),
    sequential_p_value: sequential,
    mismatch: sequential < SAMPLE_RATIO_ALPHA,
  };
}
