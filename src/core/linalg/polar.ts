// The polar factor of a matrix: the nearest one with orthonormal rows or columns, whichever are fewer.

import { eigh } from './eigh.ts';
import { type Dense, gramOfRows, multiply, rowOf, scaleInPlace, zeros } from './kernels.ts';

/** `U·Vᵀ` of a matrix `U·diag(σ)·Vᵀ`. */
export interface Polar {
  /** Shape of the matrix. */
  readonly factor: Dense;
  /** σ, descending, `[min(m, n)]`. */
  readonly values: Float64Array;
  /** How many values count; the factor has that rank. */
  readonly rank: number;
}

/** A direction whose value is below this share of the largest is rounding noise of an f32 matrix, and has no known direction. */
const NEGLIGIBLE = 1e-6;

/**
 * The polar factor of `w`.
 * @param w shape `[m, n]`, not modified
 * @throws {TwinrouteError} `numeric` when it holds NaN or infinity
 * Cost: about 6q³ + 1.5q²p multiply-adds for q = min(m, n), p = max(m, n)
 * Source: Higham 2008, Functions of Matrices, chapter 8: w·(wᵀw)^(−1/2)
 * Deviates: where the rank is less than q, the factor leaves out what an SVD would fill up with arbitrary directions.
 */
export function polarFactor(w: Dense): Polar {
  if (w.rows > w.cols) {
    const { factor, ...facts } = polarFactor(transposed(w));
    return { factor: transposed(factor), ...facts };
  }
  const { values: squares, vectors } = eigh(gramOfRows(w));
  const values = squares.map((square) => Math.sqrt(Math.max(0, square)));
  const rank = values.findLastIndex((value) => value > NEGLIGIBLE * values[0]) + 1;
  // (w·wᵀ)^(−1/2) = Σ v·vᵀ / σ over the values that count.
  const leading: Dense = { rows: rank, cols: vectors.cols, data: vectors.data.slice(0, rank * vectors.cols) };
  const scaled: Dense = { ...leading, data: leading.data.slice() };
  for (let i = 0; i < rank; i++) scaleInPlace(rowOf(scaled, i), 1 / values[i]);
  return { factor: multiply(multiply(transposed(leading), scaled), w), values, rank };
}

function transposed(a: Dense): Dense {
  const out = zeros(a.cols, a.rows);
  for (let i = 0; i < a.rows; i++) for (let j = 0; j < a.cols; j++) out.data[j * a.rows + i] = a.data[i * a.cols + j];
  return out;
}
