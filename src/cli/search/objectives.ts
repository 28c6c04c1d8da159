// A search's objectives and constraints: from what was measured of a config to what the optimiser sees of it.

import type { JournalHead, Measurement, SearchConfig, Trial } from '../../contract/search-config.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Observation } from '../../core/search/observation.ts';
import { pointOf, type Dimension } from '../../core/search/space.ts';
import { costOf, metricOf, type Individual, type Metric } from './metrics.ts';

/** One side of a constraint. */
interface Limit {
  readonly metric: Metric;
  readonly bound: number;
  readonly side: 'min' | 'max';
}

/** What a search is about. */
export interface Objectives {
  readonly metrics: readonly Metric[];
  readonly limits: readonly Limit[];
  /** Both, for what has to be measured. */
  readonly all: readonly Metric[];
}

/**
 * The objectives of a search.
 * @param tasks and `sets` that there are rows of
 * @throws {TwinrouteError} `config` for an unknown metric, task or set, and for an objective that is named twice
 */
export function objectivesOf({ objectives, constraints }: SearchConfig, tasks: readonly string[], sets: readonly string[]): Objectives {
  const metrics = objectives.map(metricOf);
  const twice = objectives.find((name, i) => objectives.indexOf(name) !== i);
  if (twice !== undefined)
    throw new TwinrouteError('config', `search.objectives: expected unlike metrics, got ${twice} twice`, { param: 'search.objectives' });
  const limits = constraints.flatMap(({ metric: name, min, max }) => {
    const metric = metricOf(name);
    return [
      ...(min === undefined ? [] : [{ metric, bound: min, side: 'min' as const }]),
      ...(max === undefined ? [] : [{ metric, bound: max, side: 'max' as const }]),
    ];
  });
  const all = [...metrics, ...limits.map(({ metric }) => metric)];
  for (const { name, about } of all) {
    const known = about?.kind === 'sets' ? sets : tasks;
    if (about !== undefined && !known.includes(about.name)) {
      throw new TwinrouteError('config', `search: expected ${name} to be about one of ${known.join(', ') || 'none'}, got ${about.name}`, {
        param: 'search.objectives',
      });
    }
  }
  return { metrics, limits, all };
}

/** A measured trial as the optimiser sees it; undefined for one that failed. */
export function observationOf(
  trial: Trial,
  { metrics, limits }: Objectives,
  space: readonly Dimension[],
  { individual }: JournalHead,
): Observation | undefined {
  const { measurement, stage } = trial;
  if (measurement === undefined) return undefined;
  const own: Individual = individual[stage];
  return {
    point: pointOf(space, trial.values),
    costs: metrics.map((metric) => costOf(metric, metric.read(measurement, own))),
    excesses: limits.map((limit) => excessOf(limit, measurement, own)),
  };
}

function excessOf({ metric, bound, side }: Limit, measurement: Measurement, own: Individual): number {
  const value = metric.read(measurement, own);
  return side === 'min' ? bound - value : value - bound;
}
