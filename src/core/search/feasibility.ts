// Constraints: costs with a limit. An excess is the cost minus its limit; a config is feasible when none is above 0.

import type { Posterior } from './gaussian-process.ts';
import { normalCdf } from './normal.ts';

/** Whether every constraint holds. */
export function isFeasible(excesses: readonly number[]): boolean {
  return excesses.every((excess) => excess <= 0);
}

/** Probability that every constraint holds, their excesses being independent normals; 1 without any. */
export function feasibility(excesses: readonly Posterior[]): number {
  return excesses.reduce(
    (product, { mean, deviation }) => product * (deviation === 0 ? Number(mean <= 0) : normalCdf(-mean / deviation)),
    1,
  );
}
