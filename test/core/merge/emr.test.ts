import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyMask, maskError, maskOf, scalesOf, sumsOf, unify, type MaskSums, type ScaleRule } from '../../../src/core/merge/emr.ts';
import { createRandom } from '../../../src/core/random.ts';

/** T task vectors of N entries, some of them zero. */
const vectors = fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 })).map(([seed, count, length]) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length }, () => (random.uniform() < 0.2 ? 0 : random.normal())));
});

const RULES: readonly ScaleRule[] = ['sums', 'means', 'per_tensor'];

test('a large tensor counts more in sums, as much as a small one in means, and not beyond itself per tensor', () => {
  const sums = (count: number, absolute: number, maskedAbsolute: number): MaskSums => ({
    count,
    absolute,
    maskedAbsolute,
    squares: 1,
    inner: 1,
    maskedSquares: 1,
  });
  const tensors = [sums(100, 10, 40), sums(2, 2, 2)];
  expect(scalesOf(tensors, 'sums')).toEqual([12 / 42, 12 / 42]);
  expect(scalesOf(tensors, 'means')).toEqual([1.1 / 1.4, 1.1 / 1.4].map((value) => expect.closeTo(value, 12)));
  expect(scalesOf(tensors, 'per_tensor')).toEqual([0.25, 1]);
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
        expect(applyMask(mask, unified, scale)).toEqual(
          Float32Array.from(vector, (value, i) => (value * unified[i] > 0 ? scale * unified[i] : 0)),
        );
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('one expert alone is exact (oracle 9)', () => {
  fc.assert(
    fc.property(vectors, ([vector]) => {
      const unified = unify([vector]);
      const mask = maskOf(vector, unified);
      const sums = sumsOf(vector, mask, unified);
      expect(applyMask(mask, unified, 1)).toEqual(vector);
      for (const rule of RULES) {
        const [scale] = scalesOf([sums], rule);
        expect(scale).toBe(vector.some((value) => value !== 0) ? 1 : 0);
        expect(maskError(sums, scale)).toBe(0);
      }
    }),
    { seed: 2, numRuns: 100 },
  );
});

test('the scale restores the magnitude of all entries, of the mean of tensors, or of each tensor; the error is the true one', () => {
  fc.assert(
    fc.property(vectors, vectors, fc.constantFrom(...RULES), (first, second, rule) => {
      const tensors = [first, second].map((all) => {
        const unified = unify(all);
        const mask = maskOf(all[0], unified);
        return { vector: all[0], mask, unified, sums: sumsOf(all[0], mask, unified) };
      });
      const scales = scalesOf(
        tensors.map(({ sums }) => sums),
        rule,
      );
      const length = (values: Float32Array): number =>
        values.reduce((sum, value) => sum + Math.abs(value), 0) / (rule === 'means' ? values.length : 1);
      const restored = tensors.map(({ vector, mask, unified }, i) => ({
        wanted: length(vector),
        kept: length(applyMask(mask, unified, 1)),
        served: length(applyMask(mask, unified, scales[i])),
      }));
      const whole = { wanted: 0, kept: 0, served: 0 };
      for (const { wanted, kept, served } of restored) {
        whole.wanted += wanted;
        whole.kept += kept;
        whole.served += served;
      }
      for (const { wanted, kept, served } of rule === 'per_tensor' ? restored : [whole])
        expect(served).toBeCloseTo(kept === 0 ? 0 : wanted, 4);
      for (const [i, { vector, mask, unified, sums }] of tensors.entries()) {
        const scale = scales[i];
        const served = applyMask(mask, unified, scale);
        const norm = Math.hypot(...vector);
        expect(maskError(sums, scale)).toBeCloseTo(norm === 0 ? 0 : Math.hypot(...vector.map((value, i) => value - served[i])) / norm, 3);
      }
    }),
    { seed: 3, numRuns: 200 },
  );
});
