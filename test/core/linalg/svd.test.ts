import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { energyOf, widen } from '../../../src/core/linalg/kernels.ts';
import { svdOfRows, truncatedSvd } from '../../../src/core/linalg/svd.ts';
import { HARD_MATRICES, gaussian, rebuild, squaredDistance, withValues, worstDifference, worstOverlap } from './matrices.ts';

describe('truncatedSvd', () => {
  test.each(HARD_MATRICES)('%s: full rank rebuilds the matrix with orthonormal factors', (_, a) => {
    const svd = truncatedSvd(a, Infinity);
    const k = Math.min(a.rows, a.cols);
    expect([svd.u.rows, svd.u.cols, svd.s.length, svd.vt.rows, svd.vt.cols]).toEqual([a.rows, k, k, k, a.cols]);
    expect(worstOverlap(widen(svd.u, true))).toBeLessThan(1e-6);
    expect(worstOverlap(widen(svd.vt))).toBeLessThan(1e-6);
    expect(worstDifference(rebuild(svd).data, a.data)).toBeLessThanOrEqual(3e-7 * Math.sqrt(svd.energy));
    for (let i = 1; i < k; i++) expect(svd.s[i]).toBeLessThanOrEqual(svd.s[i - 1]);
  });

  test.each(HARD_MATRICES)('oracle 3, %s: the truncation error is the energy of the values left out (Eckart–Young)', (_, a) => {
    const all = truncatedSvd(a, Infinity);
    for (let r = 1; r < all.s.length; r += 3) {
      const svd = truncatedSvd(a, r);
      const error = squaredDistance(rebuild(svd).data, a.data);
      expect(Math.abs(Math.sqrt(error) - Math.sqrt(energyOf(all.s.subarray(r))))).toBeLessThanOrEqual(3e-7 * Math.sqrt(all.energy));
      expect(worstDifference(svd.s, all.s.subarray(0, r))).toBeLessThanOrEqual(2e-8 * Math.sqrt(all.energy));
    }
  });

  test('golden: the f32 Hilbert matrix [6, 4] (numpy 2.4.6)', () => {
    const a = { rows: 6, cols: 4, data: Float32Array.from({ length: 24 }, (_, i) => 1 / (Math.floor(i / 4) + (i % 4) + 1)) };
    const golden = [1.555229179286584, 0.2010460931056519, 0.010356688865614985, 0.00023980860487444393];
    expect(worstDifference(truncatedSvd(a, 4).s, golden)).toBeLessThan(1e-15);
  });

  test('any shape and rank', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 24 }),
        fc.nat(),
        (m, n, r, seed) => {
          const a = gaussian(m, n, seed);
          const svd = truncatedSvd(a, r);
          const left = svd.energy - energyOf(svd.s);
          expect(svd.s.length).toBe(Math.min(m, n, r));
          expect(worstOverlap(widen(svd.u, true))).toBeLessThan(1e-6);
          expect(worstOverlap(widen(svd.vt))).toBeLessThan(1e-6);
          expect(Math.abs(squaredDistance(rebuild(svd).data, a.data) - left)).toBeLessThanOrEqual(1e-6 * svd.energy);
        },
      ),
      { seed: 1, numRuns: 60 },
    );
  });

  test('NaN and infinity are refused', () => {
    for (const value of [NaN, Infinity])
      expect(() => truncatedSvd({ rows: 1, cols: 2, data: Float32Array.of(1, value) }, 1)).toThrow(/finite/);
  });
});

describe('svdOfRows (f64)', () => {
  const values = Array.from({ length: 12 }, (_, i) => 10 ** -i);

  test('vectors of values down to 1e-11 are orthonormal to 1e-12, values good to rounding', () => {
    const { ut, s, vt } = svdOfRows(withValues(12, 20, values, 3), Infinity);
    expect(worstOverlap(ut)).toBeLessThan(1e-12);
    expect(worstOverlap(vt)).toBeLessThan(1e-12);
    expect(worstDifference(s, values)).toBeLessThan(1e-14);
  });

  test('a truncation is within 2e-8 of the best', () => {
    const w = withValues(12, 20, values, 3);
    for (let r = 1; r <= 12; r++) {
      const { ut, s } = svdOfRows(w, r);
      expect(worstOverlap(ut)).toBeLessThan(1e-12);
      expect(worstDifference(s, values.slice(0, r))).toBeLessThan(2e-8);
    }
  });
});
