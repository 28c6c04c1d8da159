// Leading eigenvectors of a symmetric tridiagonal matrix whose eigenvalues are known. O(n) a solve and O(rn) to orthogonalise, and
// every vector's residual is checked: what comes back is right, or nothing comes back.

import { createRandom } from '../random.ts';
import { type Dense, axpy, dot, rowsOf, scaleInPlace, zeros } from './kernels.ts';

const MAX_SOLVES = 6;
/** A vector is accepted when ‖T·y − λ·y‖ is below this many roundings of ‖T‖. */
const ACCEPTED_ROUNDINGS = 64;

/**
 * Unit eigenvectors for `values`, or undefined when one of them could not be had to rounding.
 * Since the vectors are orthonormal and all residuals are at rounding level, they match that many eigenvalues, repeated ones included.
 * @param d diagonal, `[n]` @param e off-diagonal, `[n]`, entry i couples i − 1 and i
 * @param values leading eigenvalues, descending, `[r]`
 * @returns a fresh `[r, n]` with orthonormal rows
 * Cost: about 3·(12n + 4rn) flops a vector
 * Source: Golub, Van Loan, Matrix Computations, §8.4.2; LAPACK's dstein orthogonalises within clusters only, here r is small
 */
export function inverseIteration(d: Float64Array, e: Float64Array, values: Float64Array): Dense | undefined {
  const n = d.length;
  const vectors = zeros(values.length, n);
  const rows = rowsOf(vectors);
  const random = createRandom(0, 'inverse-iteration');
  let norm = 0;
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(d[i]) + Math.abs(e[i]) + (i + 1 < n ? Math.abs(e[i + 1]) : 0));
  const tolerance = ACCEPTED_ROUNDINGS * Number.EPSILON * norm;
  for (let k = 0; k < values.length; k++) {
    const y = rows[k];
    for (let i = 0; i < n; i++) y[i] = random.normal();
    const solve = factorise(d, e, values[k], Number.EPSILON * norm);
    let solves = 0;
    do {
      if (solves++ === MAX_SOLVES) return undefined;
      scaleInPlace(y, 1 / Math.sqrt(dot(y, y)));
      solve(y);
      scaleInPlace(y, 1 / largest(y));
      orthonormalise(rows, k);
    } while (!(residual(d, e, values[k], y) <= tolerance));
  }
  return vectors;
}

function largest(y: Float64Array): number {
  let max = 0;
  for (let i = 0; i < y.length; i++) max = Math.max(max, Math.abs(y[i]));
  return max;
}

/** Makes row k a unit vector orthogonal to the rows before it: Gram–Schmidt twice, which is enough (Kahan, Parlett). */
function orthonormalise(rows: readonly Float64Array[], k: number): void {
  const y = rows[k];
  for (let pass = 0; pass < 2; pass++) {
    for (let j = 0; j < k; j++) axpy(-dot(rows[j], y), rows[j], y);
    scaleInPlace(y, 1 / Math.sqrt(dot(y, y)));
  }
}

function residual(d: Float64Array, e: Float64Array, value: number, y: Float64Array): number {
  const n = d.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const r = (d[i] - value) * y[i] + (i > 0 ? e[i] * y[i - 1] : 0) + (i + 1 < n ? e[i + 1] * y[i + 1] : 0);
    sum += r * r;
  }
  return Math.sqrt(sum);
}

/** Gaussian elimination of T − value·I with row exchanges; returns the solver, which works in place. Zero pivots become `tiny`. */
function factorise(d: Float64Array, e: Float64Array, value: number, tiny: number): (y: Float64Array) => void {
  const n = d.length;
  const pivot = new Float64Array(n);
  const next = new Float64Array(n);
  const second = new Float64Array(n);
  const factor = new Float64Array(n);
  const exchanged = new Uint8Array(n);
  // The row being eliminated: (a, b) at columns (i, i + 1).
  let a = d[0] - value;
  let b = n > 1 ? e[1] : 0;
  for (let i = 0; i + 1 < n; i++) {
    const below = e[i + 1];
    const diagonal = d[i + 1] - value;
    const after = i + 2 < n ? e[i + 2] : 0;
    if (Math.abs(below) > Math.abs(a)) {
      exchanged[i] = 1;
      pivot[i] = below;
      next[i] = diagonal;
      second[i] = after;
      factor[i] = a / below;
      a = b - factor[i] * diagonal;
      b = -factor[i] * after;
    } else {
      pivot[i] = a === 0 ? tiny : a;
      next[i] = b;
      factor[i] = below / pivot[i];
      a = diagonal - factor[i] * b;
      b = after;
    }
  }
  pivot[n - 1] = a;
  for (let i = 0; i < n; i++) if (Math.abs(pivot[i]) < tiny) pivot[i] = tiny;
  return (y) => {
    for (let i = 0; i + 1 < n; i++) {
      if (exchanged[i] === 1) {
        const held = y[i];
        y[i] = y[i + 1];
        y[i + 1] = held - factor[i] * y[i];
      } else {
        y[i + 1] -= factor[i] * y[i];
      }
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = y[i];
      if (i + 1 < n) sum -= next[i] * y[i + 1];
      if (i + 2 < n) sum -= second[i] * y[i + 2];
      y[i] = sum / pivot[i];
    }
  };
}
