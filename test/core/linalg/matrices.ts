// Matrices that decompositions are tried on, and how wrong a decomposition is.

import { type Dense, multiply, narrow, rowOf, widen, zeros } from '../../../src/core/linalg/kernels.ts';
import type { Matrix } from '../../../src/core/linalg/matrix.ts';
import { explicitQ, thinQr } from '../../../src/core/linalg/qr.ts';
import type { Svd } from '../../../src/core/linalg/svd.ts';
import { createRandom } from '../../../src/core/random.ts';

export function gaussian(rows: number, cols: number, seed: number): Matrix {
  const random = createRandom(seed, 'gaussian');
  return { rows, cols, data: Float32Array.from({ length: rows * cols }, () => random.normal()) };
}

/** Orthonormal rows, f64. */
export function orthonormalRows(rows: number, cols: number, seed: number): Dense {
  return explicitQ(thinQr(widen(gaussian(rows, cols, seed))));
}

/** An f64 `[m, n]` with the given singular values. */
export function withValues(m: number, n: number, values: readonly number[], seed: number): Dense {
  const left = orthonormalRows(values.length, m, seed);
  const right = orthonormalRows(values.length, n, seed + 1);
  values.forEach((value, i) => rowOf(left, i).forEach((x, j, row) => (row[j] = x * value)));
  return multiply(transpose(left), right);
}

export function transpose(a: Dense): Dense {
  const out = zeros(a.cols, a.rows);
  for (let i = 0; i < a.rows; i++) for (let j = 0; j < a.cols; j++) out.data[j * a.rows + i] = a.data[i * a.cols + j];
  return out;
}

/** Largest |a − b|. */
export function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

/** Largest entry of |X·Xᵀ − I| for rows X. */
export function worstOverlap(rows: Dense): number {
  const overlaps = multiply(rows, transpose(rows));
  for (let i = 0; i < rows.rows; i++) overlaps.data[i * rows.rows + i] -= 1;
  return worstDifference(overlaps.data, new Float64Array(overlaps.data.length));
}

/** `u · diag(s) · vt` in f64. */
export function rebuild({ u, s, vt }: Svd): Dense {
  const left = widen(u);
  return multiply({ ...left, data: left.data.map((value, i) => value * s[i % s.length]) }, widen(vt));
}

/** ‖a − b‖_F². */
export function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

/** Named hard cases; the f32 rounding of each is what a decomposition sees. */
export const HARD_MATRICES: readonly (readonly [string, Matrix])[] = [
  ['square', gaussian(20, 20, 1)],
  ['tall', gaussian(40, 7, 2)],
  ['wide', gaussian(7, 40, 3)],
  ['odd extents', gaussian(13, 9, 4)],
  ['one row', gaussian(1, 30, 5)],
  ['one column', gaussian(30, 1, 6)],
  ['one entry', gaussian(1, 1, 7)],
  ['zero', { rows: 6, cols: 9, data: new Float32Array(54) }],
  ['rank 1', narrow(withValues(15, 11, [3], 8))],
  ['rank 3 of 12', narrow(withValues(16, 12, [5, 2, 1], 10))],
  [
    'ill-conditioned',
    narrow(
      withValues(
        24,
        24,
        Array.from({ length: 24 }, (_, i) => 10 ** -(i / 2)),
        12,
      ),
    ),
  ],
  ['repeated values', narrow(withValues(24, 18, [4, 4, 4, 4, 4, 1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5], 14))],
  ['identity', { rows: 16, cols: 16, data: Float32Array.from({ length: 256 }, (_, i) => Number(i % 17 === 0)) }],
  ['graded rows', { rows: 10, cols: 10, data: gaussian(10, 10, 16).data.map((value, i) => value * 10 ** -Math.floor(i / 10)) }],
  ['huge', { rows: 8, cols: 8, data: gaussian(8, 8, 17).data.map((value) => value * 1e37) }],
  ['tiny', { rows: 8, cols: 8, data: gaussian(8, 8, 18).data.map((value) => value * 1e-37) }],
];
