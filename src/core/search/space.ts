// The space that is searched: named numbers with bounds, seen from outside as values and from inside as the unit cube.
//
// Letters: d dimensions.

import { TwinrouteError } from '../errors.ts';

/** One number that may vary. */
export interface Dimension {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Equal steps of the cube are equal ratios; needs `min` above 0. */
  readonly log: boolean;
  /** Whole numbers only. */
  readonly integer: boolean;
}

/** A point of the unit cube, `[d]`, each coordinate in [0, 1]. */
export type Point = readonly number[];

/**
 * Refuses dimensions that are none.
 * @throws {TwinrouteError} `config` naming the dimension
 */
export function checkSpace(space: readonly Dimension[]): void {
  if (space.length === 0)
    throw new TwinrouteError('config', 'search.space: expected at least one dimension, got none', { param: 'search.space' });
  for (const { name, min, max, log, integer } of space) {
    const param = `search.space.${name}`;
    if (!(min < max))
      throw new TwinrouteError('config', `${param}: expected a lower bound below the upper one, got [${min}, ${max}]`, { param });
    if (log && min <= 0)
      throw new TwinrouteError('config', `${param}: expected bounds above 0 on a log scale, got [${min}, ${max}]`, { param });
    if (integer && !(Number.isInteger(min) && Number.isInteger(max)))
      throw new TwinrouteError('config', `${param}: expected whole bounds, got [${min}, ${max}]`, { param });
  }
}

/** The values that a point stands for, `[d]`; what is whole is rounded. */
export function valuesOf(space: readonly Dimension[], point: Point): number[] {
  return space.map(({ min, max, log, integer }, i) => {
    const value = log ? min * (max / min) ** point[i] : min + (max - min) * point[i];
    return Math.min(max, Math.max(min, integer ? Math.round(value) : significant(value)));
  });
}

/** The point of values, `[d]`. */
export function pointOf(space: readonly Dimension[], values: readonly number[]): number[] {
  return space.map(({ min, max, log }, i) => (log ? Math.log(values[i] / min) / Math.log(max / min) : (values[i] - min) / (max - min)));
}

/**
 * The point that its values stand for: the surrogate sees a config as it is measured, so that it is flat between whole numbers.
 * Source: Garrido-Merchán and Hernández-Lobato 2020, arXiv:1805.03463.
 */
export function snap(space: readonly Dimension[], point: Point): number[] {
  return pointOf(space, valuesOf(space, point));
}

/** Six significant digits: more are noise in a config that people read. */
function significant(value: number): number {
  return Number(value.toPrecision(6));
}
