import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keepBand, markBand } from '../../../src/core/merge/magnitude-band.ts';

/** By sorting: what ranks in [skip, skip + count), ties by index. */
function bySorting(values: Float32Array, skip: number, count: number): number[] {
  const order = Array.from(values.keys()).sort((i, j) => Math.abs(values[j]) - Math.abs(values[i]) || i - j);
  return order.slice(skip, skip + count).sort((i, j) => i - j);
}

test('marks what a sort would, with equal magnitudes, zeros and subnormals among them', () => {
  const value = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -0, 1, -1, 2 ** -140, -(2 ** -140), 1.0000001),
  );
  fc.assert(
    fc.property(
      fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 40 }),
      fc.array(value, { maxLength: 30 }),
      fc.nat(50),
      fc.nat(50),
      (some, more, skip, count) => {
        const values = Float32Array.from([...some, ...more]);
        const marked = Array.from(markBand(values, skip, count)).flatMap((mark, i) => (mark === 1 ? [i] : []));
        expect(marked).toEqual(bySorting(values, skip, count));
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

test('keeps a band of a view into a larger buffer, in place', () => {
  const values = Float32Array.of(9, 9, 1, -4, 3, -2, 9).subarray(2, 6);
  expect(keepBand(values, 1, 2)).toBe(values);
  expect([...values]).toEqual([0, 0, 3, -2]);
});
