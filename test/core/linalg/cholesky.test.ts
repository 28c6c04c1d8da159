import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { factorCholesky, solveRows } from '../../../src/core/linalg/cholesky.ts';
import { gramOfRows, multiply, narrow, widen, zeros, type Dense } from '../../../src/core/linalg/kernels.ts';
import { gaussian } from './matrices.ts';

/** A well-conditioned positive definite `[n, n]`. */
function positive(n: number, seed: number): Dense {
  const a = gramOfRows(widen(gaussian(n, 2 * n, seed)));
  for (let i = 0; i < n; i++) a.data[i * n + i] += 1;
  return a;
}

test('solves systems of any size to rounding', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 7 }), fc.nat(1000), (n, m, seed) => {
      const a = positive(n, seed);
      const x = widen(gaussian(m, n, seed + 1));
      const b = multiply(x, a);
      const factor = { ...a, data: a.data.slice() };
      factorCholesky(factor);
      solveRows(factor, b);
      for (let i = 0; i < x.data.length; i++) expect(b.data[i]).toBeCloseTo(x.data[i], 9);
    }),
    { seed: 1, numRuns: 40 },
  );
});

test('the factor multiplies back, and the upper triangle is left alone', () => {
  const a = positive(6, 3);
  const factor = { ...a, data: a.data.slice() };
  factorCholesky(factor);
  const lower = zeros(6, 6);
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < 6; j++) {
      if (j > i) expect(factor.data[i * 6 + j]).toBe(a.data[i * 6 + j]);
      else lower.data[i * 6 + j] = factor.data[i * 6 + j];
    }
  }
  const back = multiply(lower, widen(narrow(lower), true));
  for (let i = 0; i < 36; i++) expect(back.data[i]).toBeCloseTo(a.data[i], 4);
});

test.each([
  ['a singular matrix', [1, 1, 1, 1]],
  ['an indefinite one', [1, 2, 2, 1]],
  ['NaN', [NaN, 0, 0, 1]],
])('%s is refused, naming the row', (_, data) => {
  expect(() => factorCholesky({ rows: 2, cols: 2, data: Float64Array.from(data) })).toThrow(
    expect.objectContaining({ code: 'numeric', message: expect.stringMatching(/row [01]/) }),
  );
});
