import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { partition } from '../../src/core/partition.ts';

function loadsOf(costs: readonly number[], bins: number): number[] {
  const loads = Array.from({ length: bins }, () => 0);
  for (const [i, bin] of partition(costs, bins).entries()) loads[bin] += costs[i];
  return loads;
}

/** The least possible highest load, by trying every cut. */
function best(costs: readonly number[], bins: number): number {
  const loads = Array.from({ length: bins }, () => 0);
  const place = (i: number): number => {
    if (i === costs.length) return Math.max(...loads);
    let least = Infinity;
    for (let bin = 0; bin < bins; bin++) {
      loads[bin] += costs[i];
      least = Math.min(least, place(i + 1));
      loads[bin] -= costs[i];
    }
    return least;
  };
  return place(0);
}

test('the highest load is at most 4/3 of the best one, by Graham’s bound', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 7 }), fc.integer({ min: 1, max: 3 }), (costs, bins) => {
      expect(Math.max(...loadsOf(costs, bins))).toBeLessThanOrEqual((4 / 3) * best(costs, bins));
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('equal costs are dealt out evenly, and more bins than items leave some empty', () => {
  expect(loadsOf([2, 2, 2, 2, 2, 2], 3)).toEqual([4, 4, 4]);
  expect(partition([5, 1], 4)).toEqual([0, 1]);
});
