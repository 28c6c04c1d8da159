// What was measured of a config, as the optimiser sees it.

import { isFeasible } from './feasibility.ts';
import { paretoFront, type Costs } from './pareto.ts';
import type { Point } from './space.ts';

/** A measured config. */
export interface Observation {
  readonly point: Point;
  readonly costs: Costs;
  /** Excess of each constraint over its limit; feasible when none is above 0. */
  readonly excesses: readonly number[];
}

/** Indices of the feasible configs that no other feasible one dominates, in their order. */
export function bestOf(observations: readonly Observation[]): number[] {
  const feasible = Array.from(observations.keys()).filter((i) => isFeasible(observations[i].excesses));
  return paretoFront(feasible.map((i) => observations[i].costs)).map((place) => feasible[place]);
}
