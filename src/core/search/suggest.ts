// What to measure next: a design without knowledge first, then points that are expected to add most hypervolume to the front, weighed by
// the probability that they satisfy the constraints. Everything follows from the seed and the measurements.
//
// Letters: d dimensions, m objectives, n measurements.
// Source: expected hypervolume improvement under Gaussian processes as in MM-MO, arXiv:2407.00487; the order of a batch by Kriging
// believer, Ginsbourger, Le Riche and Carraro 2010.
// Deviates: MM-MO's weak-to-strong acquisition is the screening stage here (promote.ts); its Fisher screening of tensors is not done.

import { createRandom, type Random } from '../random.ts';
import { expectedImprovement } from './expected-improvement.ts';
import { feasibility, isFeasible } from './feasibility.ts';
import { fitGaussianProcess, type GaussianProcess, type Posterior } from './gaussian-process.ts';
import { haltonPoints } from './halton.ts';
import { referenceOf } from './hypervolume.ts';
import { bestOf, type Observation } from './observation.ts';
import { snap, valuesOf, type Dimension, type Point } from './space.ts';

/** Candidates from the whole cube, and from around each point of the front. */
const GLOBAL_CANDIDATES = 512;
const LOCAL_CANDIDATES = 32;
/** Spread around a point of the front, in units of the cube. */
const LOCAL_SPREAD = 0.1;
/** The best candidates are moved uphill in this many rounds, with a spread that shrinks. */
const REFINED = 4;
const REFINE_ROUNDS = 24;
/** How far beyond the front its ends may be pushed in one round, as a share of its extent. */
const MARGIN = 0.5;

/** What a suggestion is asked for. */
export interface SuggestOptions {
  /** Points wanted. */
  readonly count: number;
  /** Unlike for every call of a search, so that calls do not draw alike. */
  readonly seed: number;
}

/** `count` evenly spread points whose values differ; fewer when the space has fewer. */
export function initialDesign(space: readonly Dimension[], { count, seed }: SuggestOptions): Point[] {
  const unseen = unlike(space, []);
  const design: Point[] = [];
  // A small space of whole numbers may have less than `count` values, or be slow to fill.
  for (let skip = 0; design.length < count && skip < 64 * count; skip += count) {
    for (const point of haltonPoints(count, space.length, seed, skip)) {
      const snapped = snap(space, point);
      if (design.length < count && unseen.add(snapped)) design.push(snapped);
    }
  }
  return design;
}

/**
 * The next points, best first.
 * @param observations at least one
 * @param taken points that are not to be suggested again beside the observed ones: measurements that failed
 * @returns fewer than `count` when the space has no unmeasured values left among the candidates
 * Cost: (m + constraints) fits, and for each point about 700 predictions of n² multiply-adds
 */
export function suggest(
  space: readonly Dimension[],
  observations: readonly Observation[],
  taken: readonly Point[],
  { count, seed }: SuggestOptions,
): Point[] {
  const points = observations.map(({ point }) => point);
  const fit = (value: (observation: Observation) => number, i: number): GaussianProcess =>
    fitGaussianProcess(points, observations.map(value), seed + i);
  let objectives = observations[0].costs.map((_, i) => fit(({ costs }) => costs[i], i));
  let constraints = observations[0].excesses.map((_, i) => fit(({ excesses }) => excesses[i], objectives.length + i));
  const front = bestOf(observations).map((i) => observations[i]);
  const costs = front.map((observation) => observation.costs);
  const reference = costs.length === 0 ? [] : referenceOf(costs, MARGIN);
  const unseen = unlike(space, [...points, ...taken]);
  const suggestions: Point[] = [];
  while (suggestions.length < count) {
    const random = createRandom(seed, `suggestion ${suggestions.length}`);
    const improvement = costs.length === 0 ? undefined : expectedImprovement(costs, reference, seed);
    const predict = (processes: readonly GaussianProcess[], point: Point): Posterior[] =>
      processes.map((process) => process.predict(point));
    const gain = (point: Point): number => {
      // As long as nothing is feasible, only that counts.
      const likely = feasibility(predict(constraints, point));
      return likely === 0 || improvement === undefined ? likely : likely * improvement(predict(objectives, point));
    };
    const around = front.length === 0 ? points.slice(-4) : front.map(({ point }) => point);
    const best = maximise(space, candidates(space, around, random, seed), gain, unseen, random);
    if (best === undefined) break;
    unseen.add(best);
    suggestions.push(best);
    // The batch goes on as if the suggestion had turned out as expected.
    const expected = predict(objectives, best).map(({ mean }) => mean);
    const excesses = predict(constraints, best).map(({ mean }) => mean);
    objectives = objectives.map((process, i) => process.extend([best], [expected[i]]));
    constraints = constraints.map((process, i) => process.extend([best], [excesses[i]]));
    if (improvement !== undefined && isFeasible(excesses)) costs.push(expected);
  }
  return suggestions;
}

/** Points whose values have not been measured. */
interface Unseen {
  has(point: Point): boolean;
  /** Takes the point out; whether it was in. */
  add(point: Point): boolean;
}

function unlike(space: readonly Dimension[], points: readonly Point[]): Unseen {
  const keyOf = (point: Point): string => valuesOf(space, point).join(' ');
  const seen = new Set(points.map(keyOf));
  return {
    has: (point) => !seen.has(keyOf(point)),
    add(point) {
      const fresh = !seen.has(keyOf(point));
      seen.add(keyOf(point));
      return fresh;
    },
  };
}

function candidates(space: readonly Dimension[], around: readonly Point[], random: Random, seed: number): Point[] {
  const everywhere = haltonPoints(GLOBAL_CANDIDATES, space.length, seed, random.below(1 << 20));
  const nearby = around.flatMap((point) => Array.from({ length: LOCAL_CANDIDATES }, () => moved(point, LOCAL_SPREAD, random)));
  return [...everywhere, ...nearby];
}

/** The candidate of the largest gain, moved uphill; undefined when all were measured. */
function maximise(
  space: readonly Dimension[],
  pool: readonly Point[],
  gain: (point: Point) => number,
  unseen: Unseen,
  random: Random,
): Point | undefined {
  const scored = pool
    .map((point) => snap(space, point))
    .filter((point) => unseen.has(point))
    .map((point) => ({ point, gain: gain(point) }))
    .sort((a, b) => b.gain - a.gain);
  const refined = scored.slice(0, REFINED).map((start) => {
    let best = start;
    for (let round = 0; round < REFINE_ROUNDS; round++) {
      const point = snap(space, moved(best.point, LOCAL_SPREAD * 0.8 ** round, random));
      if (!unseen.has(point)) continue;
      const value = gain(point);
      if (value > best.gain) best = { point, gain: value };
    }
    return best;
  });
  return refined.sort((a, b) => b.gain - a.gain)[0]?.point;
}

/** The point with normal noise, kept within the cube. */
function moved(point: Point, spread: number, random: Random): Point {
  return point.map((coordinate) => Math.min(1, Math.max(0, coordinate + spread * random.normal())));
}
