import { expect, test } from 'vitest';
import { haltonPoints } from '../../../src/core/search/halton.ts';
import { bestOf } from '../../../src/core/search/observation.ts';
import { paretoLayers } from '../../../src/core/search/pareto.ts';
import { promote } from '../../../src/core/search/promote.ts';
import { checkSpace, pointOf, valuesOf, type Dimension } from '../../../src/core/search/space.ts';

const observe = (costs: number[], excess = 0) => ({ point: [0], costs, excesses: [excess] });

test('layers: of equal points the second waits for the next', () => {
  expect(
    paretoLayers([
      [1, 4],
      [2, 2],
      [4, 1],
      [2, 3],
      [5, 5],
      [2, 2],
    ]),
  ).toEqual([[0, 1, 2], [5], [3], [4]]);
});

test('the front is feasible', () => {
  expect(bestOf([observe([0, 0], 0.1), observe([1, 2]), observe([2, 1]), observe([2, 2])])).toEqual([1, 2]);
});

test('promotion goes by layers, then by volume, feasible ones first', () => {
  const screened = [observe([9, 9]), observe([1, 10]), observe([10, 1]), observe([3, 3]), observe([0, 0], 2), observe([0, 0], 1)];
  expect(promote(screened, 1)).toEqual([3]);
  expect(promote(screened, 3).sort((a, b) => a - b)).toEqual([1, 2, 3]);
  expect(promote(screened, 5)).toEqual([...promote(screened, 3), 0, 5]);
});

test('Halton points fill every third of every dimension, and differ by seed', () => {
  const points = haltonPoints(27, 5, 3);
  for (let i = 0; i < 5; i++) {
    for (const start of [0, 1 / 3, 2 / 3])
      expect(points.filter((point) => point[i] >= start && point[i] < start + 1 / 3).length).toBeGreaterThanOrEqual(6);
  }
  expect(points.flat().every((value) => value >= 0 && value < 1)).toBe(true);
  expect(haltonPoints(5, 2, 4)).not.toEqual(haltonPoints(5, 2, 5));
  expect(haltonPoints(3, 2, 4, 2)).toEqual(haltonPoints(5, 2, 4).slice(2));
});

test('values and points go back and forth on both scales', () => {
  const space: Dimension[] = [
    { name: 'a', min: -1, max: 3, log: false, integer: false },
    { name: 'b', min: 1, max: 16, log: true, integer: true },
  ];
  expect(valuesOf(space, [0.5, 0.5])).toEqual([1, 4]);
  expect(pointOf(space, [1, 4])).toEqual([0.5, 0.5]);
  expect(valuesOf(space, [1, 1])).toEqual([3, 16]);
});

test.each([
  [[], /at least one dimension/],
  [[{ min: 1, max: 1 }], /lower bound below/],
  [[{ min: 0, max: 1, log: true }], /above 0 on a log scale/],
  [[{ min: 0.5, max: 3, integer: true }], /whole bounds/],
])('a space that is none: %o', (dimensions: Partial<Dimension>[], message) => {
  const space = dimensions.map((one): Dimension => ({ name: 'x', min: 0, max: 1, log: false, integer: false, ...one }));
  expect(() => checkSpace(space)).toThrow(message);
});
