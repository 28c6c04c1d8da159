// A symmetric matrix as Q·T·Qᵀ with T tridiagonal: the first half of every symmetric eigen-decomposition.

import { type Dense, axpy, dot, reflect, rowOf, rowsOf } from './kernels.ts';

/** `a = Q·T·Qᵀ`, Q a product of reflectors. */
export interface Tridiagonal {
  /** T's diagonal, `[n]`. */
  readonly diagonal: Float64Array;
  /** T's off-diagonal, `[n]`: entry i couples i − 1 and i; entry 0 is 0. */
  readonly off: Float64Array;
  /** Row i holds reflector i's vector in `[0, i)`. Shape `[n, n]`. */
  readonly reflectors: Dense;
  /** Reflector i is `I − beta[i]·v·vᵀ`; 0 where row i needed none. */
  readonly beta: Float64Array;
}

/** A row of this norm counts as zero. */
const NEGLIGIBLE = 1e-140;

/**
 * Reduces a symmetric matrix from its last row up; only the lower triangle is read.
 * @param a shape `[n, n]`; **taken over and overwritten**
 * Cost: 4n³/3 flops
 * Source: Golub, Van Loan, Matrix Computations, alg. 8.3.1; from the last row up, as EISPACK's tred2, so that rows are contiguous
 */
export function tridiagonalise(a: Dense): Tridiagonal {
  const n = a.rows;
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  const beta = new Float64Array(n);
  const w = new Float64Array(n);
  const rows = rowsOf(a);
  for (let i = n - 1; i > 0; i--) {
    const v = rows[i];
    diagonal[i] = v[i];
    const head = v[i - 1];
    const norm = Math.sqrt(dot(v, v, 0, i));
    // Below NEGLIGIBLE the square of a norm would underflow; f32 data squared is far above it.
    if (i === 1 || norm === Math.abs(head) || norm < NEGLIGIBLE) {
      off[i] = head;
      continue;
    }
    const pivot = head < 0 ? -norm : norm;
    off[i] = -pivot;
    v[i - 1] = head + pivot;
    beta[i] = 1 / (pivot * v[i - 1]);
    // w = β·A·v − (β²/2)(vᵀAv)·v, then A −= v·wᵀ + w·vᵀ, on the leading i × i.
    w.fill(0, 0, i);
    for (let row = 0; row < i; row++) {
      const x = rows[row];
      w[row] += dot(x, v, 0, row + 1);
      axpy(v[row], x, w, 0, row);
    }
    for (let j = 0; j < i; j++) w[j] *= beta[i];
    axpy((-beta[i] * dot(w, v, 0, i)) / 2, v, w, 0, i);
    for (let row = 0; row < i; row++) {
      const x = rows[row];
      const vr = v[row];
      const wr = w[row];
      for (let j = 0; j <= row; j++) x[j] -= vr * w[j] + wr * v[j];
    }
  }
  if (n > 0) diagonal[0] = a.data[0];
  return { diagonal, off, reflectors: a, beta };
}

/**
 * Turns eigenvectors of T into those of the reduced matrix, in place: each row y of `vectors` becomes Q·y.
 * @param vectors shape `[r, n]`; modified
 * Cost: 2rn² flops
 */
export function backTransform(t: Tridiagonal, vectors: Dense): void {
  const rows = rowsOf(vectors);
  for (let i = 1; i < vectors.cols; i++) reflect(rowOf(t.reflectors, i), t.beta[i], rows, 0, 0, i);
}
