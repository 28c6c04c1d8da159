import { describe, expect, test } from 'vitest';
import { multiply, widen, zeros } from '../../../src/core/linalg/kernels.ts';
import { applyQ, explicitQ, thinQr } from '../../../src/core/linalg/qr.ts';
import { HARD_MATRICES, gaussian, transpose, worstDifference, worstOverlap } from './matrices.ts';

describe('thinQr', () => {
  test.each(HARD_MATRICES.filter(([, a]) => a.rows >= a.cols))('%s: Q·R is the matrix, Q orthonormal, R upper triangular', (_, a) => {
    const columns = widen(a, true);
    const scale = columns.data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const qr = thinQr(columns);
    const q = explicitQ(qr);
    expect(worstOverlap(q)).toBeLessThan(1e-14 * a.rows);
    expect(worstDifference(multiply(transpose(q), qr.r).data, widen(a).data)).toBeLessThanOrEqual(1e-14 * a.rows * scale);
    for (let i = 0; i < a.cols; i++) for (let j = 0; j < i; j++) expect(qr.r.data[i * a.cols + j]).toBe(0);
  });

  test('applyQ is the product with the explicit Q', () => {
    const qr = thinQr(widen(gaussian(9, 30, 1)));
    const x = widen(gaussian(5, 9, 2));
    expect(worstDifference(applyQ(qr, x).data, multiply(x, explicitQ(qr)).data)).toBeLessThan(1e-13);
  });

  test('a repeated column leaves a zero on the diagonal and an orthonormal Q', () => {
    const columns = widen(gaussian(4, 12, 3));
    columns.data.copyWithin(24, 0, 12);
    const qr = thinQr(columns);
    expect(Math.abs(qr.r.data[10])).toBeLessThan(1e-14);
    expect(worstOverlap(explicitQ(qr))).toBeLessThan(1e-13);
  });

  test('fewer rows than columns are refused', () => {
    expect(() => thinQr(zeros(3, 2))).toThrow(/at least as many rows/);
  });
});
