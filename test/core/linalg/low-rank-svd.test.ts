import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { innerDense, innerLowRank, productEnergy } from '../../../src/core/linalg/inner.ts';
import { energyOf, multiply, narrow, widen } from '../../../src/core/linalg/kernels.ts';
import { type FactorPair, denseSum, lowRankSvd, stackFactors } from '../../../src/core/linalg/low-rank-svd.ts';
import { truncatedSvd } from '../../../src/core/linalg/svd.ts';
import { gaussian, rebuild, worstDifference, worstOverlap } from './matrices.ts';

const pair = (m: number, n: number, r: number, seed: number): FactorPair => ({ b: gaussian(m, r, seed), a: gaussian(r, n, seed + 1) });

describe('lowRankSvd', () => {
  test('is the dense decomposition of the same sum, whatever the shapes, ranks and coefficients', () => {
    const extent = fc.integer({ min: 1, max: 30 });
    const term = fc.record({ r: fc.integer({ min: 1, max: 5 }), c: fc.constantFrom(0.7, -0.3, 0, 1, 1e-6) });
    fc.assert(
      fc.property(
        extent,
        extent,
        fc.array(term, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(),
        (m, n, terms, rank, seed) => {
          const stack = stackFactors(terms.map(({ r }, t) => pair(m, n, r, seed + 7 * t)));
          const coefficients = terms.map(({ c }) => c);
          const dense = denseSum(stack, coefficients);
          const expected = truncatedSvd(dense, rank);
          const svd = lowRankSvd(stack, coefficients, rank);
          const norm = Math.sqrt(expected.energy);
          const known = svd.s.length;
          expect(known).toBe(Math.min(rank, m, n, stack.qr === undefined ? Infinity : terms.reduce((sum, { r }) => sum + r, 0)));
          expect(worstDifference(svd.s, expected.s.subarray(0, known))).toBeLessThanOrEqual(1e-6 * norm);
          expect(Math.abs(svd.energy - expected.energy)).toBeLessThanOrEqual(1e-6 * expected.energy);
          expect(worstOverlap(widen(svd.u, true))).toBeLessThan(1e-6);
          expect(worstOverlap(widen(svd.vt))).toBeLessThan(1e-6);
        },
      ),
      { seed: 2, numRuns: 80 },
    );
  });

  test('keeps the sum itself when the rank allows it', () => {
    const stack = stackFactors([pair(40, 30, 4, 1), pair(40, 30, 4, 3)]);
    const svd = lowRankSvd(stack, [0.7, -0.3], 8);
    expect(stack.qr).toBeDefined();
    expect(worstDifference(rebuild(svd).data, denseSum(stack, [0.7, -0.3]).data)).toBeLessThan(1e-5);
  });

  test('equal factors make a rank-deficient stack and still decompose', () => {
    const one = pair(30, 25, 3, 5);
    const svd = lowRankSvd(stackFactors([one, one]), [0.5, 0.5], 6);
    expect(worstDifference(rebuild(svd).data, multiply(widen(one.b), widen(one.a)).data)).toBeLessThan(1e-5);
    expect(Math.max(...svd.s.subarray(3))).toBeLessThan(1e-6 * svd.s[0]);
    expect(worstOverlap(widen(svd.u, true))).toBeLessThan(1e-6);
  });

  test('zero coefficients give a zero matrix', () => {
    const svd = lowRankSvd(stackFactors([pair(20, 20, 2, 1)]), [0], 2);
    expect([...svd.s, svd.energy]).toEqual([0, 0, 0]);
  });

  test('wrong shapes and numbers of coefficients are refused', () => {
    expect(() => stackFactors([pair(4, 5, 1, 1), pair(4, 6, 1, 1)])).toThrow(/stackFactors: expected/);
    expect(() => lowRankSvd(stackFactors([pair(9, 9, 1, 1)]), [], 1)).toThrow(/1 coefficients/);
    expect(() => lowRankSvd(stackFactors([pair(9, 9, 1, 1)]), [NaN], 1)).toThrow(/finite/);
  });
});

describe('inner products with a product of factors', () => {
  const stack = stackFactors([pair(12, 9, 2, 1), pair(12, 9, 3, 3)]);
  const [u, v] = [gaussian(12, 4, 5), gaussian(4, 9, 6)];
  const product = multiply(widen(u), widen(v));

  test('dense, from factors, and by hand agree', () => {
    const dense = denseSum(stack, [0.7, -0.3]);
    const expected = product.data.reduce((sum, value, i) => sum + value * dense.data[i], 0);
    expect(innerDense(dense, u, v)).toBeCloseTo(expected, 9);
    expect(innerLowRank(stack, [0.7, -0.3], u, v)).toBeCloseTo(expected, 4);
  });

  test('the energy of a product is that of the dense product', () => {
    expect(productEnergy(u, v)).toBeCloseTo(energyOf(product.data), 9);
    expect(productEnergy(u, v)).toBeCloseTo(innerDense(narrow(product), u, v), 3);
  });
});
