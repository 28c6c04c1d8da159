import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyMask, maskError, maskOf, scaleOf, sumsOf, unify } from '../../../src/core/merge/emr.ts';
import { createRandom } from '../../../src/core/random.ts';

/** T task vectors of N entries, some of them zero. */
const vectors = fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 })).map(([seed, count, length]) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length }, () => (random.uniform() < 0.2 ? 0 : random.normal())));
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
      const scale = scaleOf([sums]);
      expect(scale).toBe(vector.some((value) => value !== 0) ? 1 : 0);
      expect(applyMask(mask, unified, 1)).toEqual(vector);
      expect(maskError(sums, scale)).toBe(0);
    }),
    { seed: 2, numRuns: 100 },
  );
});

test('the scale restores the mean magnitude, tensor by tensor, and the error is the true one', () => {
  fc.assert(
    fc.property(vectors, vectors, (first, second) => {
      const tensors = [first, second].map((all) => {
        const unified = unify(all);
        const mask = maskOf(all[0], unified);
        return { vector: all[0], mask, unified, sums: sumsOf(all[0], mask, unified) };
      });
      const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
      const total = (of: (tensor: (typeof tensors)[number]) => number): number => tensors.reduce((sum, tensor) => sum + of(tensor), 0);
      const scale = scaleOf(tensors.map(({ sums }) => sums));
      const masked = total(({ mask, unified }) => mean(applyMask(mask, unified, 1)));
      expect(scale * masked).toBeCloseTo(masked === 0 ? 0 : total(({ vector }) => mean(vector)), 4);
      for (const { vector, mask, unified, sums } of tensors) {
        const served = applyMask(mask, unified, scale);
        const norm = Math.hypot(...vector);
        expect(maskError(sums, scale)).toBeCloseTo(norm === 0 ? 0 : Math.hypot(...vector.map((value, i) => value - served[i])) / norm, 3);
      }
    }),
    { seed: 3, numRuns: 200 },
  );
});
