// Truncated singular value decomposition, exact (not randomised), in f64. The Gram matrix of the short side gives all values and the
// leading subspace; one-sided Jacobi inside that subspace then gives vectors and values that the squaring has not touched.
// Letters: `m` rows, `n` columns, `r` rank.

import { TwinrouteError } from '../errors.ts';
import { eigh } from './eigh.ts';
import { orthogonaliseRows } from './jacobi.ts';
import { type Dense, axpy, dot, energyOf, gramOfRows, multiply, narrow, rowOf, scaleInPlace, widen, zeros } from './kernels.ts';
import type { Matrix } from './matrix.ts';

/** `a ≈ u · diag(s) · vt`. Fresh buffers. */
export interface Svd {
  /** `[m, r]`, orthonormal columns. */
  readonly u: Matrix;
  /** `[r]`, descending, f64. */
  readonly s: Float64Array;
  /** `[r, n]`, orthonormal rows. */
  readonly vt: Matrix;
  /** ‖a‖_F², so that ‖a − u·diag(s)·vt‖_F² = energy − Σ s² (Eckart–Young). */
  readonly energy: number;
}

/**
 * How many singular triples are wanted: a number, cut to min(m, n), or a rule that is asked once values are known. A rule sees the
 * leading values, descending, and ‖a‖_F²; where it is shown only some of the values, an answer above their number asks for more.
 */
export type RankRule = number | ((values: Float64Array, energy: number) => number);

/** The f64 form of `Svd`: `ut [r, m]` and `vt [r, n]` hold singular vectors as rows. */
export interface DenseSvd {
  readonly ut: Dense;
  readonly s: Float64Array;
  readonly vt: Dense;
  readonly energy: number;
}

/** Answers a rule, within [0, limit]. */
export function askRank(rule: RankRule, values: Float64Array, energy: number, limit: number): number {
  return Math.max(0, Math.min(limit, typeof rule === 'number' ? rule : rule(values, energy)));
}

/**
 * Truncated SVD of `a`.
 * @param a shape `[m, n]`, not modified
 * @throws {TwinrouteError} `numeric` when `a` holds NaN or infinity
 * Cost: min² · max / 2 multiply-adds for the Gram matrix, 4min³/3 flops to tridiagonalise it, then 4mnr; f64 copies of `a`
 *
 * Accuracy, beside the final rounding of u and vt to f32: u and vt orthonormal to about 1e-13 however small the values; each value and
 * the error of the truncation within 2e-8·‖a‖ of the best possible, below the rounding of an f32 `a`. At r = min(m, n) all values
 * are good to f64 rounding.
 * Source: Golub, Van Loan, Matrix Computations, §8.6.3 (one-sided Jacobi); the Gram start is ours
 */
export function truncatedSvd(a: Matrix, rank: RankRule): Svd {
  // Vectors are worked on as rows, the short side's first: a itself when it is wide, aᵀ when it is tall.
  const tall = a.rows > a.cols;
  const { ut, s, vt, energy } = svdOfRows(widen(a, tall), rank);
  const [left, right] = tall ? [vt, ut] : [ut, vt];
  return { u: narrow(left, true), s, vt: narrow(right), energy };
}

/**
 * The same for an f64 matrix with no more rows than columns.
 * @param w shape `[q, p]`, q ≤ p, not modified
 * @throws {TwinrouteError} `numeric` when `w` holds NaN or infinity
 */
export function svdOfRows(w: Dense, rank: RankRule): DenseSvd {
  const energy = energyOf(w.data);
  if (!Number.isFinite(energy)) throw new TwinrouteError('numeric', 'svd: expected finite numbers, got NaN or infinity');
  const { vectors } = eigh(gramOfRows(w), (squares) => askRank(rank, squares.map(rootOfSquare), energy, w.rows));
  const y = multiply(vectors, w);
  const norms = orthogonaliseRows(y, vectors);
  const order = Array.from(norms.keys()).sort((i, j) => norms[j] - norms[i]);
  const ut = takeRows(vectors, order);
  const vt = takeRows(y, order);
  const s = Float64Array.from(order, (i) => norms[i]);
  for (let i = 0; i < s.length; i++) {
    if (s[i] > 0) scaleInPlace(rowOf(vt, i), 1 / s[i]);
    else completeRow(vt, i);
  }
  return { ut, s, vt, energy };
}

function rootOfSquare(square: number): number {
  return Math.sqrt(Math.max(0, square));
}

function takeRows(a: Dense, order: readonly number[]): Dense {
  const out = zeros(order.length, a.cols);
  order.forEach((from, to) => out.data.set(rowOf(a, from), to * a.cols));
  return out;
}

/** Makes row i a unit vector orthogonal to the rows before it, from the axis that they cover least. */
function completeRow(a: Dense, i: number): void {
  const covered = new Float64Array(a.cols);
  for (let row = 0; row < i; row++) for (let j = 0; j < a.cols; j++) covered[j] += rowOf(a, row)[j] ** 2;
  const y = rowOf(a, i).fill(0);
  y[covered.indexOf(covered.reduce((least, value) => Math.min(least, value)))] = 1;
  for (let pass = 0; pass < 2; pass++) {
    for (let row = 0; row < i; row++) axpy(-dot(rowOf(a, row), y), rowOf(a, row), y);
    scaleInPlace(y, 1 / Math.sqrt(dot(y, y)));
  }
}
