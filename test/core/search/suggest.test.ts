import { beforeAll, describe, expect, test } from 'vitest';
import { hypervolume } from '../../../src/core/search/hypervolume.ts';
import type { Observation } from '../../../src/core/search/observation.ts';
import { valuesOf, type Dimension, type Point } from '../../../src/core/search/space.ts';
import { initialDesign, suggest } from '../../../src/core/search/suggest.ts';
import { braninCurrin, cube, searchNsga2, searchOurs, searchRandom, zdt1, zdt2 } from './problems.ts';

const SEEDS = [1, 2, 3];

describe.each([
  { problem: zdt1, budget: 32 },
  { problem: zdt2, budget: 32 },
  { problem: braninCurrin, budget: 20 },
])('$problem.name, $budget measurements, mean of three seeds', ({ problem, budget }) => {
  const mean = async (search: (seed: number) => Promise<readonly (readonly number[])[]>): Promise<number> => {
    let sum = 0;
    for (const seed of SEEDS) sum += hypervolume(await search(seed), problem.reference);
    return sum / SEEDS.length;
  };
  let ours: number;

  beforeAll(async () => {
    ours = await mean(async (seed) => (await searchOurs(problem, budget, seed)).map(({ costs }) => costs));
  });

  test("hypervolume at least 1.3 times random search's", async () => {
    expect(ours).toBeGreaterThan(1.3 * (await mean((seed) => searchRandom(problem, budget, seed))));
  });

  test("hypervolume at least 1.3 times NSGA-II's", async () => {
    expect(ours).toBeGreaterThan(1.3 * (await mean((seed) => searchNsga2(problem, budget, seed))));
  });
});

describe('constraints', () => {
  /** Two costs over the square that pull apart; feasible only in the disc of radius 0.2 around (0.8, 0.2). */
  const measure = (point: Point): Observation => {
    const [x, y] = point;
    return { point, costs: [x + y, 1 - x + (1 - y)], excesses: [Math.hypot(x - 0.8, y - 0.2) - 0.2] };
  };

  test('a search that starts infeasible finds the feasible region and stays in it', () => {
    const space = cube(2);
    const observations = initialDesign(space, { count: 6, seed: 4 })
      .map(measure)
      .filter(({ excesses }) => excesses[0] > 0);
    const found: Observation[] = [];
    for (let round = 0; round < 14; round++) {
      const [point] = suggest(space, observations, [], { count: 1, seed: round });
      found.push(measure(point));
      observations.push(measure(point));
    }
    const feasible = found.filter(({ excesses }) => excesses[0] <= 0);
    expect(feasible.length).toBeGreaterThanOrEqual(8);
    // The best of either cost lie on the disc's edge, 0.2·√2 from its centre's cost of 1.
    expect(Math.min(...feasible.map(({ costs }) => costs[0]))).toBeLessThan(1 - 0.2);
    expect(Math.min(...feasible.map(({ costs }) => costs[1]))).toBeLessThan(1 - 0.2);
  });
});

describe('a batch', () => {
  const space: Dimension[] = [
    { name: 'lambda', min: 0, max: 1, log: false, integer: false },
    { name: 'rank', min: 1, max: 64, log: true, integer: true },
  ];
  const measure = (point: Point): Observation => ({
    point,
    costs: [point[0] ** 2 + point[1], (1 - point[0]) ** 2 + 1 - point[1]],
    excesses: [],
  });
  const observations = initialDesign(space, { count: 6, seed: 1 }).map(measure);

  test('has unlike points, and its first are those of a smaller batch', () => {
    const four = suggest(space, observations, [], { count: 4, seed: 7 });
    const keys = [...observations.map(({ point }) => point), ...four].map((point) => valuesOf(space, point).join());
    expect(new Set(keys).size).toBe(keys.length);
    expect(suggest(space, observations, [], { count: 2, seed: 7 })).toEqual(four.slice(0, 2));
  });

  test('is the same for a seed and another for another', () => {
    expect(suggest(space, observations, [], { count: 2, seed: 7 })).toEqual(suggest(space, observations, [], { count: 2, seed: 7 }));
    expect(suggest(space, observations, [], { count: 2, seed: 8 })).not.toEqual(suggest(space, observations, [], { count: 2, seed: 7 }));
  });

  test('whole numbers come out whole and within their bounds', () => {
    for (const point of [...observations.map((one) => one.point), ...suggest(space, observations, [], { count: 4, seed: 3 })]) {
      const [, rank] = valuesOf(space, point);
      expect(Number.isInteger(rank) && rank >= 1 && rank <= 64).toBe(true);
    }
  });

  test('a space that is used up gives what is left, and not what failed', () => {
    const small: Dimension[] = [{ name: 'rank', min: 1, max: 3, log: false, integer: true }];
    const at = (rank: number): Point => [(rank - 1) / 2];
    const known = [{ point: at(1), costs: [1, 2], excesses: [] }];
    expect(suggest(small, known, [at(2)], { count: 5, seed: 1 })).toEqual([at(3)]);
    expect(
      initialDesign(small, { count: 9, seed: 1 })
        .map((point) => valuesOf(small, point)[0])
        .sort((a, b) => a - b),
    ).toEqual([1, 2, 3]);
  });
});
