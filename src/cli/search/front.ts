// What a search found, as data: every measured config with its metrics, and which of them make the front.

import type { JournalHead, Trial } from '../../contract/search-config.ts';
import { isFeasible } from '../../core/search/feasibility.ts';
import { hypervolume, referenceOf } from '../../core/search/hypervolume.ts';
import { bestOf } from '../../core/search/observation.ts';
import type { Metric } from './metrics.ts';
import { observationOf, type Objectives } from './objectives.ts';
import type { SearchFile } from './search-file.ts';

/** A measured config. */
export interface FrontEntry {
  readonly trial: number;
  /** In the order of the space. */
  readonly values: readonly number[];
  /** In the order of the objectives. */
  readonly scores: readonly number[];
  readonly feasible: boolean;
  /** Its number on the front, from 1, best first objective first; undefined off it. */
  readonly place: number | undefined;
}

/** A front with everything that was measured in full. */
export interface Front {
  readonly name: string;
  readonly search: string;
  /** Names of the searched numbers. */
  readonly space: readonly string[];
  readonly metrics: readonly Metric[];
  /** In the order of the trials. */
  readonly entries: readonly FrontEntry[];
  /** The entries of the front in the order of their places. */
  readonly best: readonly FrontEntry[];
  readonly failed: number;
  readonly screened: number;
  /** Volume that the front dominates up to `reference`; undefined without a front. */
  readonly hypervolume: { readonly value: number; readonly reference: readonly number[] } | undefined;
}

/** The front of a search's trials. */
export function frontOf(
  name: string,
  { space }: Pick<SearchFile, 'space'>,
  objectives: Objectives,
  head: JournalHead,
  full: readonly Trial[],
  screened: number,
): Front {
  const measured = full.flatMap((trial) => {
    const observation = observationOf(trial, objectives, space, head);
    return observation === undefined ? [] : [{ trial, observation }];
  });
  const observations = measured.map(({ observation }) => observation);
  const places = bestOf(observations).toSorted((a, b) => observations[a].costs[0] - observations[b].costs[0]);
  const sign = ({ goal }: Metric): number => (goal === 'max' ? -1 : 1);
  const entries = measured.map(({ trial, observation: { costs, excesses } }, i): FrontEntry => {
    const place = places.indexOf(i);
    return {
      trial: trial.trial,
      values: trial.values,
      scores: objectives.metrics.map((metric, k) => sign(metric) * costs[k]),
      feasible: isFeasible(excesses),
      place: place < 0 ? undefined : place + 1,
    };
  });
  const costs = places.map((i) => observations[i].costs);
  const reference = costs.length === 0 ? [] : referenceOf(costs);
  return {
    name,
    search: head.search,
    space: space.map((dimension) => dimension.name),
    metrics: objectives.metrics,
    entries,
    best: places.map((i) => entries[i]),
    failed: full.length - measured.length,
    screened,
    hypervolume:
      costs.length === 0
        ? undefined
        : { value: hypervolume(costs, reference), reference: reference.map((cost, k) => sign(objectives.metrics[k]) * cost) },
  };
}
