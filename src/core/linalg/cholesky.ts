// The Cholesky factorisation and the systems it solves, in f64. Rows are contiguous in every inner loop.

import { TwinrouteError } from '../errors.ts';
import { axpy, dot, rowsOf, type Dense } from './kernels.ts';

/**
 * The factor L of `a = L·Lᵀ`, written over the lower triangle of `a`; the upper one is neither read nor changed.
 * @param a symmetric positive definite, `[n, n]`
 * @throws {TwinrouteError} `numeric` when a pivot is not positive
 * Cost: n³/6 multiply-adds
 * Source: Golub and Van Loan, Matrix Computations, 4th ed., section 4.2, in rows
 */
export function factorCholesky(a: Dense): void {
  const rows = rowsOf(a);
  for (const [i, row] of rows.entries()) {
    for (let j = 0; j < i; j++) row[j] = (row[j] - dot(row, rows[j], 0, j)) / rows[j][j];
    const pivot = row[i] - dot(row, row, 0, i);
    if (!(pivot > 0))
      throw new TwinrouteError('numeric', `factorCholesky: expected a positive definite matrix, got pivot ${pivot} in row ${i}`);
    row[i] = Math.sqrt(pivot);
  }
}

/**
 * `b·a⁻¹` written over `b`: each row x of the result solves `a·x = b's row`.
 * @param factor what `factorCholesky` made of a, `[n, n]`
 * @param b `[m, n]`
 * Cost: mn² multiply-adds; each row of the factor is read twice
 */
export function solveRows(factor: Dense, b: Dense): void {
  const rows = rowsOf(factor);
  const targets = rowsOf(b);
  for (const [i, row] of rows.entries()) {
    for (const x of targets) x[i] = (x[i] - dot(row, x, 0, i)) / row[i];
  }
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i];
    for (const x of targets) {
      x[i] /= row[i];
      axpy(-x[i], row, x, 0, i);
    }
  }
}
