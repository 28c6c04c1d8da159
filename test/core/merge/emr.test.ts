import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyMask, maskOf, unify } from '../../../src/core/merge/emr.ts';
import { maskError, scalesOf, sumsOf, type MaskSums, type ScaleRule } from '../../../src/core/merge/emr-scale.ts';
import { createRandom } from '../../../src/core/random.ts';

/** T task vectors of N entries, some of them zero. */
const vectors = fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 })).map(([seed, count, length]) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length }, () => (random.uniform() < 0.2 ? 0 : random.normal())));
});

const RULES: readonly ScaleRule[] = ['sums', 'means', 'per_tensor', 'per_row'];

/** Two tensors of an expert among others: a vector and a matrix of two rows. */
const tensors = fc.tuple(vectors, vectors).map((pair) =>
  pair.map((all, i) => {
    const shape = i === 0 ? [all[0].length] : [2, all[0].length];
    const [vector, ...others] = i === 0 ? all : all.map((values) => Float32Array.of(...values, ...values.toReversed().map((x) => 3 * x)));
    const unified = unify([vector, ...others]);
    return { shape, vector, unified, mask: maskOf(vector, unified) };
  }),
);

/** Σ|x| of each run of equal length. */
function magnitudes(values: Float32Array, runs: number): number[] {
  const count = values.length / runs;
  return Array.from({ length: runs }, (_, k) => values.slice(k * count, (k + 1) * count).reduce((sum, value) => sum + Math.abs(value), 0));
}

test('a large tensor counts more in sums, as much as a small one in means, and not beyond itself per tensor', () => {
  const sums = (count: number, absolute: number, maskedAbsolute: number): MaskSums => ({
    count,
    absolute,
    maskedAbsolute,
    squares: 1,
    inner: 1,
    maskedSquares: 1,
  });
  const all = [[sums(100, 10, 40)], [sums(2, 2, 2)]];
  const scales = (rule: ScaleRule): number[] => scalesOf(all, rule).map(([scale]) => scale);
  expect(scales('sums')).toEqual([expect.closeTo(12 / 42, 6), expect.closeTo(12 / 42, 6)]);
  expect(scales('means')).toEqual([expect.closeTo(1.1 / 1.4, 6), expect.closeTo(1.1 / 1.4, 6)]);
  expect(scales('per_tensor')).toEqual([0.25, 1]);
});

test('the unified vector takes the elected sign and the largest magnitude of that sign', () => {
  expect(unify([Float32Array.of(1, -3, 2, 0, 1), Float32Array.of(2, 1, -2, 0, -4), Float32Array.of(-1, 1, 0, 0, 2)])).toEqual(
    Float32Array.of(2, -3, 0, 0, -4),
  );
});

test('a mask is one bit an entry and keeps exactly the entries that point the unified way', () => {
  fc.assert(
    fc.property(vectors, fc.double({ min: 0.1, max: 3, noNaN: true }), (all, scale) => {
      const unified = unify(all);
      for (const vector of all) {
        const mask = maskOf(vector, unified);
        expect(mask).toHaveLength(Math.ceil(vector.length / 8));
        expect(applyMask(mask, unified, Float32Array.of(scale))).toEqual(
          Float32Array.from(vector, (value, i) => (value * unified[i] > 0 ? Math.fround(scale) * unified[i] : 0)),
        );
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('oracle 9: one expert alone is exact', () => {
  fc.assert(
    fc.property(vectors, fc.constantFrom(...RULES), ([vector], rule) => {
      const unified = unify([vector]);
      const mask = maskOf(vector, unified);
      const shape = vector.length % 2 === 0 ? [2, vector.length / 2] : [vector.length];
      const sums = sumsOf(shape, vector, mask, unified, rule);
      const [scales] = scalesOf([sums], rule);
      expect([0, 1]).toEqual(expect.arrayContaining([...scales]));
      expect(applyMask(mask, unified, scales)).toEqual(vector);
      expect(maskError(sums, scales)).toBe(0);
    }),
    { seed: 2, numRuns: 200 },
  );
});

test('each rule restores the magnitude of what it goes over, and the error is the true one', () => {
  fc.assert(
    fc.property(tensors, fc.constantFrom(...RULES), (all, rule) => {
      const sums = all.map(({ shape, vector, mask, unified }) => sumsOf(shape, vector, mask, unified, rule));
      const scales = scalesOf(sums, rule);
      const served = all.map(({ mask, unified }, i) => applyMask(mask, unified, scales[i]));
      // Pairs of what is wanted and what is served, one for each scale that there is.
      const runs = all.flatMap(({ shape, vector, mask, unified }, i) => {
        const count = rule === 'per_row' && shape.length === 2 ? shape[0] : 1;
        const share = rule === 'means' ? 1 / vector.length : 1;
        const kept = magnitudes(applyMask(mask, unified, Float32Array.of(1)), count);
        const got = magnitudes(served[i], count);
        return magnitudes(vector, count).map((wanted, k) => ({ wanted: share * wanted, got: share * got[k], kept: share * kept[k] }));
      });
      const total = (of: (run: (typeof runs)[number]) => number): number => runs.reduce((sum, run) => sum + of(run), 0);
      const groups =
        rule === 'sums' || rule === 'means'
          ? [{ wanted: total((run) => run.wanted), got: total((run) => run.got), kept: total((run) => run.kept) }]
          : runs;
      for (const { wanted, got, kept } of groups) expect(got).toBeCloseTo(kept === 0 ? 0 : wanted, 3);
      for (const [i, { vector }] of all.entries()) {
        const norm = Math.hypot(...vector);
        const left = Math.hypot(...vector.map((value, k) => value - served[i][k]));
        expect(maskError(sums[i], scales[i])).toBeCloseTo(norm === 0 ? 0 : left / norm, 3);
      }
    }),
    { seed: 3, numRuns: 200 },
  );
});
