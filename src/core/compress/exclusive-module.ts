// An exclusive module's tensor as it is stored: SVD_r(θ_t − θ_s) with √s folded into both factors, so that both have entries of one
// size, then quantised; and the error of exactly what is stored, truncation and quantisation together.

import { productEnergy } from '../linalg/inner.ts';
import type { Matrix } from '../linalg/matrix.ts';
import type { Svd } from '../linalg/svd.ts';
import { type Factor, type FactorFormat, dequantise, quantise } from './quantise.ts';

/** A compressed delta: `u · v` stands for it. */
export interface ExclusiveTensor {
  /** `[m, r]` */
  readonly u: Factor;
  /** `[r, n]` */
  readonly v: Factor;
  readonly rank: number;
  /** Share of the delta's squared Frobenius norm that the rank keeps, before quantisation; 1 for a zero delta. */
  readonly keptEnergy: number;
  /** ‖delta − u·v‖_F / ‖delta‖_F of the stored factors; 0 for a zero delta. Computed from squares: below 1e-7 it is noise. */
  readonly error: number;
}

/**
 * Compresses a delta.
 * @param svd truncated SVD of the delta, rank r; not modified
 * @param inner ⟨delta, u·v⟩_F, from the dense delta (`innerDense`) or from its factors (`innerLowRank`)
 * @throws {TwinrouteError} `numeric` when fp16 cannot hold an entry
 * Cost: that of `inner` and (m + n)r² multiply-adds
 */
export function compressDelta(svd: Svd, format: FactorFormat, inner: (u: Matrix, v: Matrix) => number): ExclusiveTensor {
  const roots = svd.s.map(Math.sqrt);
  const rank = roots.length;
  const { u, vt } = svd;
  const left = quantise({ ...u, data: u.data.map((value, i) => value * roots[i % rank]) }, format, 'columns');
  const right = quantise({ ...vt, data: vt.data.map((value, i) => value * roots[Math.floor(i / vt.cols)]) }, format, 'rows');
  if (svd.energy === 0) return { u: left, v: right, rank, keptEnergy: 1, error: 0 };
  const [storedU, storedV] = [dequantise(left), dequantise(right)];
  const squared = svd.energy - 2 * inner(storedU, storedV) + productEnergy(storedU, storedV);
  const kept = svd.s.reduce((sum, value) => sum + value * value, 0);
  return { u: left, v: right, rank, keptEnergy: Math.min(1, kept / svd.energy), error: Math.sqrt(Math.max(0, squared) / svd.energy) };
}
