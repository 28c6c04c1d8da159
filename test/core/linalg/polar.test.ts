import { describe, expect, test } from 'vitest';
import { multiply, narrow, widen } from '../../../src/core/linalg/kernels.ts';
import { polarFactor } from '../../../src/core/linalg/polar.ts';
import { truncatedSvd } from '../../../src/core/linalg/svd.ts';
import { gaussian, HARD_MATRICES, rebuild, transpose, withValues, worstDifference, worstOverlap } from './matrices.ts';

describe('polarFactor', () => {
  test.each([
    [5, 9],
    [9, 5],
    [6, 6],
    [1, 4],
    [4, 1],
  ])('[%i, %i]: orthonormal on the short side, U·Vᵀ of the SVD', (m, n) => {
    const w = gaussian(m, n, m + n);
    const { factor, values, rank } = polarFactor(widen(w));
    expect(rank).toBe(Math.min(m, n));
    expect(worstOverlap(m <= n ? factor : transpose(factor))).toBeLessThan(1e-9);
    const svd = truncatedSvd(w, Math.min(m, n));
    expect(worstDifference(values, svd.s)).toBeLessThan(1e-6);
    expect(worstDifference(factor.data, rebuild({ ...svd, s: svd.s.map(() => 1) }).data)).toBeLessThan(1e-6);
  });

  test('of less than full rank: the directions that are there, and none besides', () => {
    const { factor, rank } = polarFactor(widen(narrow(withValues(8, 12, [5, 3, 1], 3))));
    expect(rank).toBe(3);
    // A partial isometry: F·Fᵀ is a projection of rank 3.
    const projection = multiply(factor, transpose(factor));
    expect(worstDifference(multiply(projection, projection).data, projection.data)).toBeLessThan(1e-6);
    expect(projection.data.reduce((sum, value, i) => (i % 9 === 0 ? sum + value : sum), 0)).toBeCloseTo(3, 5);
  });

  test.each(HARD_MATRICES.filter(([name]) => name !== 'huge' && name !== 'tiny'))('%s: finite, a contraction', (_, w) => {
    const { factor } = polarFactor(widen(w));
    expect(factor.data.every((value) => Math.abs(value) <= 1 + 1e-9)).toBe(true);
  });
});
