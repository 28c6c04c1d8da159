import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { expectedImprovement } from '../../../src/core/search/expected-improvement.ts';
import { feasibility } from '../../../src/core/search/feasibility.ts';
import type { Posterior } from '../../../src/core/search/gaussian-process.ts';
import { addedVolume } from '../../../src/core/search/hypervolume.ts';
import { normalCdf, normalDensity } from '../../../src/core/search/normal.ts';

const DRAWS = 60_000;

/** Mean of the added volume over plain random draws, with its standard error. */
function byDraws(
  front: readonly (readonly number[])[],
  reference: readonly number[],
  posteriors: readonly Posterior[],
): { mean: number; error: number } {
  const random = createRandom(17);
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < DRAWS; i++) {
    const added = addedVolume(
      posteriors.map(({ mean, deviation }) => mean + deviation * random.normal()),
      front,
      reference,
    );
    sum += added;
    squares += added * added;
  }
  const mean = sum / DRAWS;
  return { mean, error: Math.sqrt((squares / DRAWS - mean * mean) / DRAWS) };
}

const FRONT = [
  [1, 6],
  [2, 4],
  [4, 3],
  [7, 1],
  [5, 5], // dominated
  [12, 0], // beyond the reference
];

describe('two objectives, exactly', () => {
  test.each([
    [
      'far better',
      [
        { mean: 0, deviation: 0.5 },
        { mean: 0, deviation: 0.5 },
      ],
    ],
    [
      'between neighbours',
      [
        { mean: 3, deviation: 1 },
        { mean: 3, deviation: 2 },
      ],
    ],
    [
      'dominated, but unsure',
      [
        { mean: 8, deviation: 3 },
        { mean: 8, deviation: 3 },
      ],
    ],
    [
      'one of them sure',
      [
        { mean: 1.5, deviation: 0 },
        { mean: 5, deviation: 1 },
      ],
    ],
  ])('%s', (_, posteriors) => {
    const { mean, error } = byDraws(FRONT, [10, 10], posteriors);
    expect(Math.abs(expectedImprovement(FRONT, [10, 10], 1)(posteriors) - mean)).toBeLessThan(4 * error);
  });

  test('a sure point adds its volume, a sure dominated one nothing', () => {
    const improvement = expectedImprovement(FRONT, [10, 10], 1);
    const sure = (...means: number[]): Posterior[] => means.map((mean) => ({ mean, deviation: 0 }));
    expect(improvement(sure(3, 2))).toBeCloseTo(addedVolume([3, 2], FRONT, [10, 10]), 12);
    expect(improvement(sure(5, 5))).toBe(0);
  });

  test('without a front it is the whole box', () => {
    expect(
      expectedImprovement(
        [],
        [2, 3],
        1,
      )([
        { mean: 0, deviation: 0 },
        { mean: 0, deviation: 0 },
      ]),
    ).toBe(6);
  });
});

test('one objective: the textbook’s expected improvement', () => {
  const [best, mean, deviation] = [2, 2.5, 0.8];
  const z = (best - mean) / deviation;
  expect(expectedImprovement([[best], [4]], [10], 1)([{ mean, deviation }])).toBeCloseTo(
    (best - mean) * normalCdf(z) + deviation * normalDensity(z),
    14,
  );
});

test('three objectives, within 5 % of plain random draws', () => {
  const front = [
    [1, 3, 5],
    [3, 1, 4],
    [4, 4, 1],
  ];
  const posteriors = [
    { mean: 2, deviation: 1 },
    { mean: 2.5, deviation: 1.5 },
    { mean: 3, deviation: 1 },
  ];
  const { mean } = byDraws(front, [6, 6, 6], posteriors);
  expect(Math.abs(expectedImprovement(front, [6, 6, 6], 3)(posteriors) / mean - 1)).toBeLessThan(0.05);
});

test.each([
  // Values of the error function from Abramowitz and Stegun, table 26.1 and 26.2.
  [0, 0.5],
  [1, 0.841344746068543],
  [-1, 0.158655253931457],
  [2.99, 0.998605],
  [3.01, 0.998694],
  [-5, 2.866515719e-7],
  [-10, 7.61985302e-24],
])('Φ(%d)', (z, expected) => {
  expect(Math.abs(normalCdf(z) / expected - 1)).toBeLessThan(1e-6);
});

test('feasibility is the product of the probabilities', () => {
  expect(feasibility([])).toBe(1);
  expect(
    feasibility([
      { mean: 0, deviation: 1 },
      { mean: 1, deviation: 1 },
    ]),
  ).toBeCloseTo(0.5 * normalCdf(-1), 14);
  expect(feasibility([{ mean: 0, deviation: 0 }])).toBe(1);
  expect(feasibility([{ mean: 0.1, deviation: 0 }])).toBe(0);
});
