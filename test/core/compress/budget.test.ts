import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ranksOfBudget, valuesOfBudget, type Spectrum } from '../../../src/core/compress/budget.ts';
import { componentBytes, factorBytes, quantise, type FactorFormat } from '../../../src/core/compress/quantise.ts';

const FORMATS: readonly FactorFormat[] = ['fp32', 'fp16', 'int8', 'int4'];
const spectrum = (m: number, n: number, values: readonly number[], whole = 1): Spectrum => ({
  shape: [m, n],
  values: Float64Array.from(values),
  whole,
});
const spectra = fc
  .array(
    fc.record({
      m: fc.integer({ min: 1, max: 40 }),
      n: fc.integer({ min: 1, max: 40 }),
      values: fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((items) =>
    items.map(({ m, n, values }) =>
      spectrum(
        m,
        n,
        values.sort((a, b) => b - a),
      ),
    ),
  );

test.each(FORMATS)('a component of %s takes the bytes that are stored', (format) => {
  const [m, n, r] = [6, 10, 4];
  const stored =
    factorBytes(quantise({ rows: m, cols: r, data: new Float32Array(m * r) }, format, 'columns')) +
    factorBytes(quantise({ rows: r, cols: n, data: new Float32Array(r * n) }, format, 'rows'));
  expect(r * componentBytes(format, m, n)).toBe(stored);
});

describe('a budget', () => {
  test('is never exceeded, gives every delta something, and leaves nothing that would fit', () => {
    fc.assert(
      fc.property(spectra, fc.double({ min: 1, max: 6, noNaN: true }), (items, average) => {
        const ranks = ranksOfBudget(items, { average_rank: average }, 'int8');
        const cost = (item: Spectrum): number => componentBytes('int8', ...item.shape);
        const spent = items.reduce((sum, item, i) => sum + ranks[i] * cost(item), 0);
        const total = average * items.reduce((sum, item) => sum + cost(item), 0);
        expect(spent).toBeLessThanOrEqual(total + 1e-9);
        for (const [i, item] of items.entries()) {
          expect(ranks[i]).toBeGreaterThanOrEqual(1);
          expect(ranks[i]).toBeLessThanOrEqual(item.values.length);
          expect(ranks[i] === item.values.length || cost(item) > total - spent).toBe(true);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('keeps at least the energy of the flat rank that costs as much, where all matrices have one shape', () => {
    fc.assert(
      fc.property(spectra, fc.integer({ min: 1, max: 4 }), (items, rank) => {
        const alike = items.map(({ values }) => spectrum(8, 8, [...values]));
        const kept = (ranks: readonly number[]): number =>
          alike.reduce((sum, { values }, i) => sum + values.slice(0, ranks[i]).reduce((all, value) => all + value * value, 0), 0);
        const shared = ranksOfBudget(alike, { average_rank: rank }, 'fp16');
        expect(kept(shared)).toBeGreaterThanOrEqual(kept(alike.map(() => rank)) - 1e-12);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  test('prefers small matrices at equal energy, and an expert’s energy counts as a share of its own', () => {
    expect(ranksOfBudget([spectrum(4, 4, [1, 0.5]), spectrum(40, 40, [1, 0.5])], { bytes: 8 + 80 + 8 + 16 + 8 }, 'int8')).toEqual([2, 1]);
    expect(ranksOfBudget([spectrum(4, 4, [10, 5], 1000), spectrum(4, 4, [0.1, 0.09], 0.02)], { bytes: 3 * 16 }, 'int8')).toEqual([1, 2]);
  });

  test('does not buy rounding noise', () => {
    expect(ranksOfBudget([spectrum(4, 4, [1, 1e-9])], { average_rank: 4 }, 'fp32')).toEqual([1]);
  });

  test('that is too small is refused with what would do', () => {
    expect(() => ranksOfBudget([spectrum(4, 4, [1])], { bytes: 15 }, 'int8')).toThrow(/budget: expected at least 16 bytes.*got 15/);
  });

  test('sees at least eight times the average of each spectrum', () => {
    expect(valuesOfBudget([[4, 4]], { average_rank: 4 }, 'int8')).toBe(32);
    expect(
      valuesOfBudget(
        [
          [4, 4],
          [12, 12],
        ],
        { bytes: 48 * 3 },
        'int8',
      ),
    ).toBe(24);
    expect(valuesOfBudget([[4, 4]], { average_rank: 1 }, 'int8')).toBe(16);
  });
});
