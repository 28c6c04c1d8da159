// Test problems with known fronts, and the two searches that ours is held against. Every cost is minimised.

import { createRandom, type Random } from '../../../src/core/random.ts';
import { initialDesign, suggest } from '../../../src/core/search/suggest.ts';
import type { Observation } from '../../../src/core/search/observation.ts';
import { paretoLayers } from '../../../src/core/search/pareto.ts';
import type { Dimension, Point } from '../../../src/core/search/space.ts';

/** A problem over the unit cube. */
export interface Problem {
  readonly name: string;
  readonly dimensions: number;
  /** What is worse than this in any objective counts nothing. */
  readonly reference: readonly number[];
  /** A promise where it is measured, not computed. */
  costs(x: Point): number[] | Promise<number[]>;
}

/** Zitzler, Deb and Thiele 2000, T1: a convex front. */
export const zdt1: Problem = { name: 'ZDT1', dimensions: 6, reference: [1.1, 6], costs: (x) => zdt(x, (f, g) => 1 - Math.sqrt(f / g)) };
/** The same, T2: a concave front. */
export const zdt2: Problem = { name: 'ZDT2', dimensions: 6, reference: [1.1, 6], costs: (x) => zdt(x, (f, g) => 1 - (f / g) ** 2) };

function zdt(x: Point, h: (f: number, g: number) => number): number[] {
  const [f, ...rest] = x;
  const g = 1 + (9 * rest.reduce((sum, value) => sum + value, 0)) / rest.length;
  return [f, g * h(f, g)];
}

/** Branin and Currin over one square, as in Belakaria et al. 2019; both scaled as usual. */
export const braninCurrin: Problem = {
  name: 'Branin–Currin',
  dimensions: 2,
  reference: [18, 6],
  costs([x, y]) {
    const [u, v] = [15 * x - 5, 15 * y];
    const branin = (v - (5.1 / (4 * Math.PI ** 2)) * u * u + (5 / Math.PI) * u - 6) ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(u) + 10;
    const fall = y === 0 ? 1 : 1 - Math.exp(-1 / (2 * y));
    return [branin, (fall * (2300 * x ** 3 + 1900 * x * x + 2092 * x + 60)) / (100 * x ** 3 + 500 * x * x + 4 * x + 20)];
  },
};

/** A space of the whole unit cube. */
export function cube(dimensions: number): Dimension[] {
  return Array.from({ length: dimensions }, (_, i) => ({ name: `x${i}`, min: 0, max: 1, log: false, integer: false }));
}

/** Our search: `budget` measurements, `first` of them without knowledge, `batch` at a time. */
export async function searchOurs(
  problem: Problem,
  budget: number,
  seed: number,
  batch = 4,
  first = 2 * problem.dimensions,
): Promise<Observation[]> {
  const space = cube(problem.dimensions);
  const observations: Observation[] = [];
  const measure = async (points: readonly Point[]): Promise<void> => {
    for (const point of points) observations.push({ point, costs: await problem.costs(point), excesses: [] });
  };
  await measure(initialDesign(space, { count: first, seed }));
  for (let round = 1; observations.length < budget; round++) {
    const count = Math.min(batch, budget - observations.length);
    await measure(suggest(space, observations, [], { count, seed: seed + 1000 * round }));
  }
  return observations;
}

/** Uniform random points. */
export async function searchRandom(problem: Problem, budget: number, seed: number): Promise<number[][]> {
  const random = createRandom(seed, 'random search');
  const measured: number[][] = [];
  while (measured.length < budget) measured.push(await problem.costs(uniform(problem, random)));
  return measured;
}

/** NSGA-II with simulated binary crossover (η 15) and polynomial mutation (η 20); Deb et al. 2002. Returns all costs that it measured. */
export async function searchNsga2(problem: Problem, budget: number, seed: number, size = 10): Promise<number[][]> {
  const random = createRandom(seed, 'nsga2');
  const measured: number[][] = [];
  const born = async (points: readonly Point[]): Promise<Individual[]> => {
    const individuals: Individual[] = [];
    for (const x of points) individuals.push({ x, costs: await problem.costs(x) });
    measured.push(...individuals.map(({ costs }) => costs));
    return individuals;
  };
  let people = ranked(await born(Array.from({ length: size }, () => uniform(problem, random))));
  while (measured.length < budget) {
    const children = await born(
      Array.from({ length: Math.min(size, budget - measured.length) }, () =>
        mutate(cross(pick(people, random).x, pick(people, random).x, random), random),
      ),
    );
    people = ranked([...people, ...children]).slice(0, size);
  }
  return measured;
}

interface Individual {
  readonly x: Point;
  readonly costs: number[];
}

function uniform({ dimensions }: Problem, random: Random): number[] {
  return Array.from({ length: dimensions }, () => random.uniform());
}

/** Best first: by layer, and within a layer by crowding distance. */
function ranked(people: readonly Individual[]): Individual[] {
  return paretoLayers(people.map(({ costs }) => costs)).flatMap((layer) => {
    const distance = new Map(layer.map((i) => [i, 0]));
    for (const k of people[0].costs.keys()) {
      const order = layer.toSorted((a, b) => people[a].costs[k] - people[b].costs[k]);
      const extent = people[order[order.length - 1]].costs[k] - people[order[0]].costs[k] || 1;
      for (const [place, i] of order.entries()) {
        const gap =
          place === 0 || place === order.length - 1
            ? Infinity
            : (people[order[place + 1]].costs[k] - people[order[place - 1]].costs[k]) / extent;
        distance.set(i, (distance.get(i) ?? 0) + gap);
      }
    }
    return layer.toSorted((a, b) => (distance.get(b) ?? 0) - (distance.get(a) ?? 0)).map((i) => people[i]);
  });
}

/** Binary tournament over a ranked population. */
function pick(people: readonly Individual[], random: Random): Individual {
  return people[Math.min(random.below(people.length), random.below(people.length))];
}

function cross(a: Point, b: Point, random: Random): number[] {
  return a.map((value, i) => {
    const u = random.uniform();
    const spread = u <= 0.5 ? (2 * u) ** (1 / 16) : (1 / (2 * (1 - u))) ** (1 / 16);
    const sign = random.uniform() < 0.5 ? 1 : -1;
    return clamp(0.5 * (value + b[i] + sign * spread * (value - b[i])));
  });
}

function mutate(x: Point, random: Random): number[] {
  return x.map((value) => {
    if (random.uniform() >= 1 / x.length) return value;
    const u = random.uniform();
    return clamp(value + (u < 0.5 ? (2 * u) ** (1 / 21) - 1 : 1 - (2 * (1 - u)) ** (1 / 21)));
  });
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
