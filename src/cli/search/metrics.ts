// The metrics that a search may name. Scores are better when larger, bytes and milliseconds when smaller.

import { TwinrouteError } from '../../core/errors.ts';
import type { Measurement, RouteScores } from '../../contract/search-config.ts';

/** Ways of answering a row: without any expert, by the right one, or by the router's choice. */
export const ROUTES = ['shared', 'oracle', 'routed'] as const;
export type Route = (typeof ROUTES)[number];

/** The experts' own scores by task, which normalised metrics divide by. */
export type Individual = Readonly<Record<string, number>>;

/** A metric by its name. */
export interface Metric {
  readonly name: string;
  readonly goal: 'max' | 'min';
  /** The way of answering that has to be measured for it. */
  readonly route?: Route;
  /** The data that it is about: `undefined` for all tasks together, or for none. */
  readonly about?: { readonly kind: 'tasks' | 'sets'; readonly name: string };
  /** @throws {TwinrouteError} `numeric` when what it needs was not measured or is not defined on these rows */
  read(measurement: Measurement, individual: Individual): number;
}

/**
 * The metric of a name: `normalised.<route>` and `worst.<route>` (mean and lowest percent of the experts' own scores),
 * `tasks.<task>.<route>`, `sets.<set>.<route>`, `extra_bytes`, `pack_bytes`, `latency_ms`.
 * @throws {TwinrouteError} `config` listing the forms
 */
export function metricOf(name: string): Metric {
  if (name === 'pack_bytes' || name === 'extra_bytes' || name === 'latency_ms')
    return { name, goal: 'min', read: (measurement) => expectNumber(name, measurement[name]) };
  const [kind, ...rest] = name.split('.');
  const route = ROUTES.find((candidate) => candidate === rest.at(-1));
  const about = rest.slice(0, -1).join('.');
  if (route !== undefined && (kind === 'tasks' || kind === 'sets') && about !== '') {
    return {
      name,
      goal: 'max',
      route,
      about: { kind, name: about },
      read: (measurement) => expectNumber(name, measurement[kind][about]?.[route]),
    };
  }
  if (route !== undefined && about === '' && (kind === 'normalised' || kind === 'worst')) {
    const combine = kind === 'worst' ? lowest : mean;
    return { name, goal: 'max', route, read: ({ tasks }, individual) => expectNumber(name, combine(percents(tasks, individual, route))) };
  }
  const forms = `normalised.ROUTE, worst.ROUTE, tasks.TASK.ROUTE, sets.SET.ROUTE (ROUTE one of ${ROUTES.join(', ')}), extra_bytes, pack_bytes, latency_ms`;
  throw new TwinrouteError('config', `search: expected a metric of the forms ${forms}, got "${name}"`, { param: 'search' });
}

/** The metric as a cost: smaller is better. */
export function costOf(metric: Metric, value: number): number {
  return metric.goal === 'max' ? -value : value;
}

/** A metric's value as people read it. */
export function spellMetric({ name }: Metric, value: number): string {
  if (name.endsWith('_bytes')) return Math.round(value).toLocaleString('en');
  return name.startsWith('normalised.') || name.startsWith('worst.') ? `${value.toFixed(2)} %` : value.toFixed(4);
}

/** Percent of each expert's own score, where that is above 0. */
function percents(tasks: Measurement['tasks'], individual: Individual, route: Route): number[] {
  return Object.entries(tasks).flatMap(([task, scores]: [string, RouteScores]) => {
    const own = individual[task] ?? 0;
    const score = scores[route];
    return own > 0 && score !== undefined ? [(100 * score) / own] : [];
  });
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function lowest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}

function expectNumber(name: string, value: number | undefined): number {
  if (value !== undefined && Number.isFinite(value)) return value;
  throw new TwinrouteError(
    'numeric',
    `${name}: expected a measured number, got ${value}; are there enough rows for the experts' own scores to be above 0?`,
    { param: name },
  );
}
