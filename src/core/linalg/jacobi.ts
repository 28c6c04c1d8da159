// One-sided Jacobi: rotates rows until they are orthogonal. Slow from scratch, quick on rows that nearly are, and it keeps small
// singular vectors orthogonal to rounding where a Gram matrix alone would not.

import { TwinrouteError } from '../errors.ts';
import { type Dense, dot, rotate, rowsOf } from './kernels.ts';

/** Two rows count as orthogonal when the cosine between them is below this. */
const ORTHOGONAL = 4e-15;
const MAX_SWEEPS = 40;

/**
 * Makes the rows of `y` mutually orthogonal by plane rotations, applying each to the same rows of `v`.
 * @param y shape `[r, p]`; modified @param v shape `[r, q]`; modified
 * @returns the norms of the rows of `y`, `[r]`, unordered
 * @throws {TwinrouteError} `numeric` when sweeps run out (never seen on finite input)
 * Cost: r²p/2 multiply-adds a sweep plus 2(p + q) a rotation
 * Source: Hestenes 1958; de Rijk 1989; accuracy of small values: Demmel, Veselić 1992
 */
export function orthogonaliseRows(y: Dense, v: Dense): Float64Array {
  const r = y.rows;
  const squares = new Float64Array(r);
  const ys = rowsOf(y);
  const vs = rowsOf(v);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    for (let i = 0; i < r; i++) squares[i] = dot(ys[i], ys[i]);
    let rotated = false;
    for (let i = 0; i < r; i++) {
      for (let j = i + 1; j < r; j++) {
        const cross = dot(ys[i], ys[j]);
        if (!(Math.abs(cross) > ORTHOGONAL * Math.sqrt(squares[i]) * Math.sqrt(squares[j]))) continue;
        rotated = true;
        const zeta = (squares[j] - squares[i]) / (2 * cross);
        const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        rotate(ys[i], ys[j], c, c * t);
        rotate(vs[i], vs[j], c, c * t);
        squares[i] = Math.max(0, squares[i] - t * cross);
        squares[j] += t * cross;
      }
    }
    if (!rotated) return squares.map(Math.sqrt);
  }
  throw new TwinrouteError('numeric', `orthogonaliseRows: expected convergence in ${MAX_SWEEPS} sweeps, got none`);
}
