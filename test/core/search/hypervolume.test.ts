import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { addedVolume, hypervolume, referenceOf } from '../../../src/core/search/hypervolume.ts';

/** The volume by counting the cells of the grid that the points' own coordinates make: exact, and nothing like the code. */
function byCells(points: readonly (readonly number[])[], reference: readonly number[]): number {
  const cuts = reference.map((limit, i) =>
    [...new Set([...points.map((point) => Math.min(point[i], limit)), limit])].sort((a, b) => a - b),
  );
  const walk = (corner: readonly number[], size: number): number => {
    const i = corner.length;
    if (i === reference.length) return points.some((point) => point.every((cost, k) => cost <= corner[k])) ? size : 0;
    return cuts[i].slice(0, -1).reduce((sum, cut, k) => sum + walk([...corner, cut], size * (cuts[i][k + 1] - cut)), 0);
  };
  return walk([], 1);
}

describe.each([1, 2, 3, 4])('in %i objectives', (m) => {
  const cost = fc.integer({ min: 0, max: 12 });
  const points = fc.array(fc.array(cost, { minLength: m, maxLength: m }), { maxLength: 7 });
  const reference = Array.from({ length: m }, () => 10);

  test('is what counting cells gives, equal costs and points beyond the reference included', () => {
    fc.assert(
      fc.property(points, (some) => {
        expect(hypervolume(some, reference)).toBeCloseTo(byCells(some, reference), 9);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('what a point adds is the difference of two volumes', () => {
    fc.assert(
      fc.property(points, fc.array(cost, { minLength: m, maxLength: m }), (some, point) => {
        expect(addedVolume(point, some, reference)).toBeCloseTo(hypervolume([...some, point], reference) - hypervolume(some, reference), 9);
      }),
      { seed: 2, numRuns: 200 },
    );
  });
});

test('in three objectives, against the share of random points that are dominated', () => {
  const random = createRandom(5);
  const points = Array.from({ length: 12 }, () => Array.from({ length: 3 }, () => random.uniform()));
  let hits = 0;
  const draws = 40_000;
  for (let i = 0; i < draws; i++) {
    const draw = [random.uniform(), random.uniform(), random.uniform()];
    if (points.some((point) => point.every((cost, k) => cost <= draw[k]))) hits++;
  }
  expect(hypervolume(points, [1, 1, 1])).toBeCloseTo(hits / draws, 1.9);
});

test('a reference lies beyond the front in every objective, also where the front is flat', () => {
  expect(
    referenceOf([
      [0, 5],
      [10, 5],
    ]),
  ).toEqual([11, 5.5]);
});
