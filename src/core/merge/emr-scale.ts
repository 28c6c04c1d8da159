// The scales of EMR-Merging: what restores the magnitude of an expert after its mask has picked from the unified vector, Σ|τ| / Σ|mask ⊙ unified|.
// What the sums go over is where definitions differ. Where experts are of unlike length (a norm of 62 beside one of 5 in the sample's), the entries of
// the unified vector are mostly the longest expert's, and how much too long they are for another differs from output to output.

import { sizeOf } from '../tensor.ts';

/**
 * What a scale's sums go over: all entries of an expert (`sums`, the paper), the means of its tensors, so that all count alike (`means`, the published
 * code), each tensor (`per_tensor`), or each row of a matrix, which is one output of its layer (`per_row`; a vector is one row). The
 * last two are ours.
 */
export type ScaleRule = 'sums' | 'means' | 'per_tensor' | 'per_row';

/** Sums over the entries that share a scale. */
export interface MaskSums {
  readonly count: number;
  /** Σ |τ| and Σ |mask ⊙ unified| */
  readonly absolute: number;
  readonly maskedAbsolute: number;
  /** Σ τ², Σ τ·(mask ⊙ unified) and Σ (mask ⊙ unified)² */
  readonly squares: number;
  readonly inner: number;
  readonly maskedSquares: number;
}

/** Into how many runs of equal length a tensor's entries are cut, each with a scale of its own. */
export function runsOf(shape: readonly number[], rule: ScaleRule): number {
  return rule === 'per_row' && shape.length === 2 ? shape[0] : 1;
}

/** The sums of each run of a tensor. */
export function sumsOf(
  shape: readonly number[],
  vector: Float32Array,
  mask: Uint8Array,
  unified: Float32Array,
  rule: ScaleRule,
): readonly MaskSums[] {
  const runs = runsOf(shape, rule);
  const count = sizeOf(shape) / runs;
  return Array.from({ length: runs }, (_, run) => {
    let [absolute, maskedAbsolute, squares, inner, maskedSquares] = [0, 0, 0, 0, 0];
    for (let i = run * count; i < (run + 1) * count; i++) {
      absolute += Math.abs(vector[i]);
      squares += vector[i] * vector[i];
      if ((mask[i >> 3] & (1 << (i & 7))) === 0) continue;
      maskedAbsolute += Math.abs(unified[i]);
      inner += vector[i] * unified[i];
      maskedSquares += unified[i] * unified[i];
    }
    return { count, absolute, maskedAbsolute, squares, inner, maskedSquares };
  });
}

/**
 * The scales of an expert's tensors, one for each run; 0 where the masks keep nothing.
 * @param tensors the sums of all that the expert changes
 */
export function scalesOf(tensors: readonly (readonly MaskSums[])[], rule: ScaleRule): readonly Float32Array[] {
  if (rule === 'per_tensor' || rule === 'per_row') {
    return tensors.map((runs) => Float32Array.from(runs, ({ absolute, maskedAbsolute }) => ratio(absolute, maskedAbsolute)));
  }
  let [absolute, masked] = [0, 0];
  for (const tensor of tensors.flat()) {
    const share = rule === 'means' ? 1 / tensor.count : 1;
    absolute += share * tensor.absolute;
    masked += share * tensor.maskedAbsolute;
  }
  return tensors.map((runs) => new Float32Array(runs.length).fill(ratio(absolute, masked)));
}

function ratio(absolute: number, masked: number): number {
  return masked === 0 ? 0 : absolute / masked;
}

/** ‖τ − scale·(mask ⊙ unified)‖ / ‖τ‖ of one tensor; 0 for a zero vector. Computed from squares: below 1e-7 it is noise. */
export function maskError(runs: readonly MaskSums[], scales: Float32Array): number {
  const whole = runs.reduce((sum, { squares }) => sum + squares, 0);
  if (whole === 0) return 0;
  const left = runs.reduce(
    (sum, { squares, inner, maskedSquares }, run) => sum + squares - 2 * scales[run] * inner + scales[run] ** 2 * maskedSquares,
    0,
  );
  return Math.sqrt(Math.max(0, left) / whole);
}
