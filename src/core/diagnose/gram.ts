// Inner products of task vectors, ⟨τ_t, τ_u⟩ for all pairs: what norms and cosines are made of. Exact from factors, without the products;
// from dense vectors exact norms and the cosines of a sample.
//
// Letters: T experts, m × n a matrix, K summed rank, s entries of the sample.

import { dot, energyOf, gramOfRows, widen, zeros } from '../linalg/kernels.ts';
import type { FactorPair } from '../linalg/low-rank-svd.ts';

/**
 * `[T, T]` inner products of `b_t·a_t`: the traces ⟨b_tᵀb_u, a_t·a_uᵀ⟩, read off the Gram matrices of all factors side by side.
 * @param pairs one for each expert, undefined where it equals the base; all of one m and n; not modified
 * Cost: K²(m + n)/2 multiply-adds
 */
export function gramOfPairs(pairs: readonly (FactorPair | undefined)[]): Float64Array {
  const owners = pairs.flatMap((pair, t): number[] => (pair === undefined ? [] : Array.from({ length: pair.a.rows }, () => t)));
  const left = gramOfRows(stack(pairs.flatMap((pair) => (pair === undefined ? [] : [widen(pair.b, true)]))));
  const right = gramOfRows(stack(pairs.flatMap((pair) => (pair === undefined ? [] : [widen(pair.a)]))));
  const gram = new Float64Array(pairs.length ** 2);
  for (let i = 0; i < owners.length; i++) {
    for (let j = 0; j < owners.length; j++)
      gram[owners[i] * pairs.length + owners[j]] += left.data[i * owners.length + j] * right.data[i * owners.length + j];
  }
  return gram;
}

/**
 * `[T, T]` inner products as far as norms and a sample tell: `energies` on the diagonal, cos(samples)·‖τ_t‖·‖τ_u‖ beside it; exact where the
 * sample is the whole vector.
 * @param energies ‖τ_t‖², `[T]`
 * @param samples the same entries of each τ_t
 * Cost: sT²/2 multiply-adds
 */
export function gramOfSamples(energies: Float64Array, samples: readonly Float64Array[]): Float64Array {
  const count = energies.length;
  const sampled = samples.map(energyOf);
  const gram = new Float64Array(count * count);
  for (let t = 0; t < count; t++) {
    gram[t * count + t] = energies[t];
    for (let u = t + 1; u < count; u++) {
      const scale = Math.sqrt(energies[t] * energies[u]) / Math.sqrt(sampled[t] * sampled[u] || 1);
      gram[t * count + u] = gram[u * count + t] = scale * dot(samples[t], samples[u]);
    }
  }
  return gram;
}

function stack(parts: readonly { readonly rows: number; readonly cols: number; readonly data: Float64Array }[]): ReturnType<typeof zeros> {
  const all = zeros(
    parts.reduce((rows, part) => rows + part.rows, 0),
    parts[0]?.cols ?? 0,
  );
  let offset = 0;
  for (const { data } of parts) {
    all.data.set(data, offset);
    offset += data.length;
  }
  return all;
}
