// How different the rows of a run are in what they want mixed.

import type { PredictorRow } from '../predictor.ts';

/** Of a row what counts here. */
export type RunRow = Pick<PredictorRow, 'ids' | 'mix'>;

/**
 * Entropy of a run's weights over experts, in bits; what a row's weights lack to 1 is the shared model's.
 * Cost: O(rows × experts)
 */
export function mixEntropy(rows: readonly RunRow[]): number {
  const weights = new Map<number, number>();
  let total = 0;
  for (const { mix } of rows) {
    let rest = 1;
    for (let e = 0; e < mix.length; e++) {
      if (mix[e] === 0) continue;
      rest -= mix[e];
      weights.set(e, (weights.get(e) ?? 0) + Math.abs(mix[e]));
    }
    weights.set(-1, (weights.get(-1) ?? 0) + Math.max(rest, 0));
  }
  for (const weight of weights.values()) total += weight;
  let bits = 0;
  for (const weight of weights.values()) if (weight > 0) bits -= (weight / total) * Math.log2(weight / total);
  // Rounding makes −0 and what is next to it.
  return Math.max(0, Math.round(bits * 1e6) / 1e6);
}
