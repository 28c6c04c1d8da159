// How much hypervolume a point is expected to add to a front, its objectives being independent normals.
//
// Letters: n points of the front, m objectives, s draws.

import { createRandom } from '../random.ts';
import type { Posterior } from './gaussian-process.ts';
import { haltonPoints } from './halton.ts';
import { addedVolume } from './hypervolume.ts';
import { normalCdf, normalDensity } from './normal.ts';
import { paretoFront, type Costs } from './pareto.ts';

/** Expected improvement of a point with these posteriors, `[m]`. */
export type ExpectedImprovement = (posteriors: readonly Posterior[]) => number;

/** Draws for three and more objectives. */
const DRAWS = 128;

/**
 * Expected hypervolume improvement over a front.
 * @param points costs; dominated ones and such beyond the reference add nothing
 * @param reference `[m]`
 * @param seed of the draws for m ≥ 3; the same for every point, so that points are compared under the same draws
 * Cost: an evaluation takes O(n) for m ≤ 2, s hypervolumes beyond
 * Source: m ≤ 2 exactly, in strips, as Yang et al. 2019 (J. Global Optimization 75:3–34); beyond by quasi-Monte-Carlo, as Daulton et al.
 * 2020, arXiv:2006.05078
 */
export function expectedImprovement(points: readonly Costs[], reference: Costs, seed: number): ExpectedImprovement {
  const inside = points.filter((point) => point.every((cost, i) => cost < reference[i]));
  const front = paretoFront(inside).map((i) => inside[i]);
  if (reference.length === 1) {
    const [best] = front[0] ?? reference;
    return ([posterior]) => expectedGap(best, posterior);
  }
  if (reference.length === 2) return inStrips(front, reference);
  const draws = normalDraws(DRAWS, reference.length, seed);
  return (posteriors) => {
    let sum = 0;
    for (const draw of draws)
      sum += addedVolume(
        posteriors.map(({ mean, deviation }, i) => mean + deviation * draw[i]),
        front,
        reference,
      );
    return sum / draws.length;
  };
}

/**
 * E[∫ (h(x) − y₂)⁺ dx over x > y₁], where h is the staircase of the front. It is constant on each strip between neighbours of the front,
 * and y₁ and y₂ are independent, so each strip is a product of two one-dimensional gaps.
 */
function inStrips(front: readonly Costs[], [right, top]: Costs): ExpectedImprovement {
  const ordered = front.toSorted((a, b) => a[0] - b[0]);
  return ([first, second]) => {
    let sum = 0;
    let gapBefore = 0;
    for (let i = 0; i <= ordered.length; i++) {
      const gap = expectedGap(i < ordered.length ? ordered[i][0] : right, first);
      sum += (gap - gapBefore) * expectedGap(i === 0 ? top : ordered[i - 1][1], second);
      gapBefore = gap;
    }
    return sum;
  };
}

/** E[(limit − y)⁺] */
export function expectedGap(limit: number, { mean, deviation }: Posterior): number {
  const gap = limit - mean;
  if (deviation === 0) return Math.max(0, gap);
  const z = gap / deviation;
  return Math.max(0, gap * normalCdf(z) + deviation * normalDensity(z));
}

/** Standard normal draws, `[s]` of `[m]`: Halton points through Box–Muller. */
function normalDraws(count: number, objectives: number, seed: number): number[][] {
  const shift = createRandom(seed, 'draws').below(1 << 20);
  return haltonPoints(count, 2 * Math.ceil(objectives / 2), seed, shift).map((u) =>
    Array.from({ length: objectives }, (_, i) => {
      const radius = Math.sqrt(-2 * Math.log(1 - u[i - (i % 2)]));
      const angle = 2 * Math.PI * u[i - (i % 2) + 1];
      return radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
    }),
  );
}
