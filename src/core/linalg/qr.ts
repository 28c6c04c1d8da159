// Thin Householder QR in f64. Q stays a product of reflectors: applying it to the few vectors of a truncated SVD costs no more than
// a product with an explicit Q, and nobody pays for forming one.
// Letters: `m` rows, `k` columns of the decomposed matrix, `r` vectors.

import { TwinrouteError } from '../errors.ts';
import { type Dense, dot, reflect, rowOf, rowsOf, zeros } from './kernels.ts';

/** `a = Q·R` for `a [m, k]`, m ≥ k. */
export interface Qr {
  /** Row j holds the j-th reflector's vector in `[j, m)` (entries before j belong to R and are not read). Shape `[k, m]`. */
  readonly reflectors: Dense;
  /** Reflector j is `I − beta[j]·v·vᵀ`; 0 where column j needed none. */
  readonly beta: Float64Array;
  /** Upper triangular `[k, k]`. */
  readonly r: Dense;
}

/**
 * QR of the matrix whose columns are the rows of `columns`. Q is orthonormal to rounding whatever the rank; a dependent column
 * shows as a (near-)zero on R's diagonal.
 * @param columns the matrix transposed, shape `[k, m]`, m ≥ k; **taken over and overwritten**
 * @throws {TwinrouteError} `shape` when m < k
 * Cost: 2k²(m − k/3) flops
 * Source: Golub, Van Loan, Matrix Computations, alg. 5.2.1
 */
export function thinQr(columns: Dense): Qr {
  const { rows: k, cols: m } = columns;
  if (m < k) throw new TwinrouteError('shape', `thinQr: expected at least as many rows as columns, got [${m}, ${k}]`);
  const beta = new Float64Array(k);
  const r = zeros(k, k);
  const vectors = rowsOf(columns);
  for (let j = 0; j < k; j++) {
    const v = vectors[j];
    for (let i = 0; i < j; i++) r.data[i * k + j] = v[i];
    const head = v[j];
    const norm = Math.sqrt(dot(v, v, j));
    if (norm === 0) continue;
    // The sign that avoids cancellation: v = x + sign(x₀)·‖x‖·e₀.
    const pivot = head < 0 ? -norm : norm;
    r.data[j * k + j] = -pivot;
    v[j] = head + pivot;
    beta[j] = 1 / (pivot * v[j]);
    reflect(v, beta[j], vectors, j + 1, j, m);
  }
  return { reflectors: columns, beta, r };
}

/**
 * `Q·xᵀ`, transposed: row i of the result is Q times row i of `x`.
 * @param x shape `[r, k]`, not modified
 * @returns a fresh `[r, m]`
 * Cost: 4rk(m − k/2) flops
 */
export function applyQ(qr: Qr, x: Dense): Dense {
  const { rows: k, cols: m } = qr.reflectors;
  const out = zeros(x.rows, m);
  for (let i = 0; i < x.rows; i++) out.data.set(rowOf(x, i), i * m);
  const vectors = rowsOf(out);
  for (let j = k - 1; j >= 0; j--) reflect(rowOf(qr.reflectors, j), qr.beta[j], vectors, 0, j, m);
  return out;
}

/**
 * The explicit Q, transposed: shape `[k, m]`, orthonormal rows.
 * Cost: that of `applyQ` with r = k
 */
export function explicitQ(qr: Qr): Dense {
  const k = qr.beta.length;
  const identity = zeros(k, k);
  for (let i = 0; i < k; i++) identity.data[i * k + i] = 1;
  return applyQ(qr, identity);
}
