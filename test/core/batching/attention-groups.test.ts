import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { attentionGroups } from '../../../src/core/batching/attention-groups.ts';

const scoresOf = (lengths: readonly number[]): number => {
  const longest = Math.max(...lengths);
  return lengths.length * longest * (longest + 25);
};

test('each row is in one group, and no cut of any kind into two groups computes fewer scores', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 9 }), (lengths) => {
      const { groups, scores } = attentionGroups(lengths);
      expect(groups.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
      expect(groups.every((group) => group.length > 0)).toBe(true);
      expect(groups.reduce((sum, group) => sum + scoresOf(group.map((i) => lengths[i])), 0)).toBe(scores);
      for (let set = 1; set < 2 ** lengths.length; set++) {
        const inside = lengths.filter((_, i) => (set >> i) % 2 === 1);
        const outside = lengths.filter((_, i) => (set >> i) % 2 === 0);
        expect(scores).toBeLessThanOrEqual(scoresOf(inside) + (outside.length === 0 ? 0 : scoresOf(outside)));
      }
    }),
    { seed: 3, numRuns: 50 },
  );
});

test('short rows are not padded to a long one', () => {
  expect(attentionGroups([10, 100, 12]).groups).toEqual([[0, 2], [1]]);
  expect(attentionGroups([20, 20]).groups).toEqual([[0, 1]]);
});
