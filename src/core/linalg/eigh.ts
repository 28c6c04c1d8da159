// Eigen-decomposition of a symmetric matrix in f64: all of it by implicit QL, or all values and only the leading vectors by inverse
// iteration with a check.

import { TwinrouteError } from '../errors.ts';
import { inverseIteration } from './inverse-iteration.ts';
import { type Dense, rotate, rowOf, rowsOf, zeros } from './kernels.ts';
import { type Tridiagonal, backTransform, tridiagonalise } from './tridiagonal.ts';

/** Eigenvalues, descending, and as many leading eigenvectors as were asked for. */
export interface Eigen {
  /** `[n]` */
  readonly values: Float64Array;
  /** Row i is the unit eigenvector of `values[i]`. Shape `[r, n]`, orthonormal to about 1e-14·√n. */
  readonly vectors: Dense;
}

/** Above this share of wanted vectors the full QL is the cheaper way. */
const QL_SHARE = 1 / 3;
/** QL needs about two rotation sweeps a value; LAPACK allows thirty. */
const MAX_SWEEPS = 60;

/**
 * Eigen-decomposition of a symmetric matrix.
 * @param a shape `[n, n]`; **taken over and overwritten**; only the lower triangle is read
 * @param wanted how many leading vectors, 0 ≤ r ≤ n; a function is asked once the values are known
 * @throws {TwinrouteError} `numeric` when the values do not converge (never seen on finite input) or the input is not finite
 * Cost: 4n³/3 flops to tridiagonalise; then 2rn² for r < n/3, about 5n³ otherwise
 */
export function eigh(a: Dense, wanted: number | ((values: Float64Array) => number) = a.rows): Eigen {
  const n = a.rows;
  const t = tridiagonalise(a);
  const ascending = Float64Array.from(t.diagonal);
  implicitQl(ascending, Float64Array.from(t.off));
  const values = ascending.sort().reverse();
  if (!values.every(Number.isFinite) || !t.off.every(Number.isFinite))
    throw new TwinrouteError('numeric', 'eigh: expected finite numbers, got NaN or infinity');
  const r = typeof wanted === 'number' ? wanted : wanted(values);
  const vectors = (r < n * QL_SHARE ? inverseIteration(t.diagonal, t.off, values.subarray(0, r)) : undefined) ?? qlVectors(t, r);
  backTransform(t, vectors);
  return { values, vectors };
}

/** The r leading eigenvectors of T as rows, by QL on all of them. */
function qlVectors(t: Tridiagonal, r: number): Dense {
  const n = t.diagonal.length;
  const all = zeros(n, n);
  for (let i = 0; i < n; i++) all.data[i * n + i] = 1;
  const values = Float64Array.from(t.diagonal);
  implicitQl(values, Float64Array.from(t.off), all);
  const order = Array.from(values.keys()).sort((i, j) => values[j] - values[i]);
  const vectors = zeros(r, n);
  for (let i = 0; i < r; i++) vectors.data.set(rowOf(all, order[i]), i * n);
  return vectors;
}

/**
 * Diagonalises a tridiagonal matrix in place by QL with implicit Wilkinson shifts: `d` becomes the values (unordered), `e` noise,
 * and each rotation is applied to the rows of `z`, where given.
 * Source: Dubrulle, Martin, Wilkinson 1968, Numer. Math. 12, "The implicit QL algorithm"
 */
function implicitQl(d: Float64Array, e: Float64Array, z?: Dense): void {
  const n = d.length;
  const rows = z === undefined ? undefined : rowsOf(z);
  // From here on e[i] couples i and i + 1.
  e.copyWithin(0, 1);
  if (n > 0) e[n - 1] = 0;
  // An off-diagonal counts as zero against the whole matrix, not its neighbours: where those are rounding noise it would never.
  let norm = 0;
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(d[i]) + Math.abs(e[i]));
  const negligible = Number.EPSILON * norm;
  for (let low = 0; low < n; low++) {
    for (let sweep = 0; ; sweep++) {
      let high = low;
      while (high < n - 1 && Math.abs(e[high]) > negligible) high++;
      if (high === low) break;
      if (sweep === MAX_SWEEPS)
        throw new TwinrouteError('numeric', `eigh: expected convergence in ${MAX_SWEEPS} sweeps, got none at ${low} of ${n}`);
      qlSweep(d, e, low, high, rows);
    }
  }
}

/** One implicit QL sweep over the unreduced block [low, high]. */
function qlSweep(d: Float64Array, e: Float64Array, low: number, high: number, rows: readonly Float64Array[] | undefined): void {
  const half = (d[low + 1] - d[low]) / (2 * e[low]);
  const root = Math.hypot(half, 1);
  let g = d[high] - d[low] + e[low] / (half + (half < 0 ? -root : root));
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = high - 1; i >= low; i--) {
    const f = s * e[i];
    const b = c * e[i];
    const radius = Math.sqrt(f * f + g * g);
    e[i + 1] = radius;
    if (radius === 0) {
      // The block splits here; the rest is done by the next sweep.
      d[i + 1] -= p;
      e[high] = 0;
      return;
    }
    s = f / radius;
    c = g / radius;
    g = d[i + 1] - p;
    const t = (d[i] - g) * s + 2 * c * b;
    p = s * t;
    d[i + 1] = g + p;
    g = c * t - b;
    if (rows !== undefined) rotate(rows[i], rows[i + 1], c, s);
  }
  d[low] -= p;
  e[low] = g;
  e[high] = 0;
}
