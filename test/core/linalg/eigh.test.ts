import { describe, expect, test } from 'vitest';
import { eigh } from '../../../src/core/linalg/eigh.ts';
import { inverseIteration } from '../../../src/core/linalg/inverse-iteration.ts';
import { type Dense, multiply, rowOf, zeros } from '../../../src/core/linalg/kernels.ts';
import { orthonormalRows, transpose, worstDifference, worstOverlap } from './matrices.ts';

function symmetric(values: readonly number[], seed: number): Dense {
  const n = values.length;
  const q = orthonormalRows(n, n, seed);
  const scaled = zeros(n, n);
  values.forEach((value, i) =>
    scaled.data.set(
      rowOf(q, i).map((x) => x * value),
      i * n,
    ),
  );
  return multiply(transpose(q), scaled);
}

const copy = (a: Dense): Dense => ({ ...a, data: a.data.slice() });

const SPECTRA: readonly (readonly [string, readonly number[]])[] = [
  ['distinct', Array.from({ length: 30 }, (_, i) => 30 - i)],
  ['geometric', Array.from({ length: 30 }, (_, i) => 2 ** -i)],
  ['repeated', Array.from({ length: 30 }, (_, i) => (i < 12 ? 3 : 1))],
  ['indefinite', Array.from({ length: 30 }, (_, i) => 15 - i - 0.5)],
  ['rank 2', Array.from({ length: 30 }, (_, i) => (i < 2 ? 2 - i : 0))],
  ['zero', Array.from({ length: 8 }, () => 0)],
  ['two by two', [2, -1]],
  ['one by one', [-4]],
];

describe('eigh', () => {
  test.each(SPECTRA)('%s: values, residuals and orthogonality, all vectors and few', (_, spectrum) => {
    const a = symmetric(spectrum, 1);
    const n = spectrum.length;
    const norm = Math.max(...spectrum.map(Math.abs));
    for (const wanted of [n, Math.max(1, Math.floor(n / 4))]) {
      const { values, vectors } = eigh(copy(a), wanted);
      expect(worstDifference(values, spectrum)).toBeLessThanOrEqual(1e-13 * norm);
      expect(vectors.rows).toBe(wanted);
      expect(worstOverlap(vectors)).toBeLessThan(1e-13);
      const scaled = copy(vectors);
      for (let i = 0; i < wanted; i++) rowOf(scaled, i).forEach((x, j, row) => (row[j] = x * values[i]));
      expect(worstDifference(multiply(vectors, a).data, scaled.data)).toBeLessThanOrEqual(1e-13 * norm);
    }
  });

  test('a rule sees the values before vectors are made', () => {
    const { vectors } = eigh(symmetric([3, 2, 1], 2), (values) => values.filter((value) => value > 1.5).length);
    expect(vectors.rows).toBe(2);
  });

  test('NaN is refused', () => {
    expect(() => eigh({ rows: 2, cols: 2, data: Float64Array.of(1, NaN, NaN, 1) })).toThrow(/finite/);
  });

  test('Wilkinson W21+: pairs that agree to rounding still get orthogonal vectors', () => {
    const d = Float64Array.from({ length: 21 }, (_, i) => Math.abs(i - 10));
    const a = zeros(21, 21);
    for (let i = 0; i < 21; i++) {
      a.data[i * 22] = d[i];
      if (i > 0) a.data[i * 21 + i - 1] = a.data[(i - 1) * 21 + i] = 1;
    }
    const { values, vectors } = eigh(copy(a), 6);
    // The largest value as Wilkinson 1965, The Algebraic Eigenvalue Problem, p. 309, prints it.
    expect(values[0]).toBeCloseTo(10.746194182903, 11);
    expect(values[0] - values[1]).toBeLessThan(1e-12);
    expect(worstOverlap(vectors)).toBeLessThan(1e-13);
  });
});

describe('inverseIteration', () => {
  test('gives nothing rather than a wrong vector', () => {
    expect(inverseIteration(Float64Array.of(1, 2, 3), Float64Array.of(0, 0.1, 0.1), Float64Array.of(2.5))).toBeUndefined();
  });
});
