import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutLongestFirst } from '../../src/formats/truncation.ts';

test.each([
  [3, 4, 10, [3, 4]],
  [3, 4, 7, [3, 4]],
  [3, 20, 10, [3, 7]],
  [20, 3, 10, [7, 3]],
  [20, 20, 10, [5, 5]],
  [20, 20, 11, [5, 6]],
  [20, 21, 11, [5, 6]],
  [21, 20, 11, [6, 5]],
  [0, 20, 11, [0, 11]],
  [20, 0, 11, [11, 0]],
  [6, 5, 10, [5, 5]],
])('%i and %i in %i', (first, second, room, kept) => {
  expect(cutLongestFirst(first, second, room)).toEqual(kept);
});

test('equals taking one token at a time from the longer, but for the odd token of equals', () => {
  fc.assert(
    fc.property(fc.nat(60), fc.nat(60), fc.integer({ min: 2, max: 60 }), (first, second, room) => {
      let [a, b] = [first, second];
      while (a + b > room)
        if (a > b || (a === b && first <= second)) a--;
        else b--;
      expect(cutLongestFirst(first, second, room)).toEqual([a, b]);
    }),
    { seed: 1, numRuns: 500 },
  );
});
