// An experiment's history as lines, with what is known now as their last points.

import type { ExperimentHistory, ExperimentReport, IntervalAnswer } from '../../../contract/experiment-report.ts';
import type { IntervalPoint, IntervalSeries } from '../../charts/interval-chart.ts';

/** Each arm's own estimate of a metric. */
export function armSeries(
  { arms }: ExperimentReport,
  { points }: ExperimentHistory,
  metric: string,
  nowMs: number,
): readonly IntervalSeries[] {
  return arms.flatMap((arm, place) => {
    const past = points.flatMap(({ time, arms: then }) =>
      pointOf(Date.parse(time), then.find(({ name }) => name === arm.name)?.metrics[metric]),
    );
    return seriesOf(arm.name, place, [...past, ...pointOf(nowMs, arm.metrics[metric])]);
  });
}

/** Each arm's difference to the first. */
export function differenceSeries(
  { arms, differences }: ExperimentReport,
  { points }: ExperimentHistory,
  metric: string,
  nowMs: number,
): readonly IntervalSeries[] {
  return arms.slice(1).flatMap(({ name: own }, i) => {
    const find = (all: ExperimentReport['differences']): IntervalAnswer | undefined =>
      all.find(({ arm, metric: of }) => arm === own && of === metric);
    const past = points.flatMap(({ time, differences: then }) => pointOf(Date.parse(time), find(then)));
    return seriesOf(own, i + 1, [...past, ...pointOf(nowMs, find(differences))]);
  });
}

function seriesOf(name: string, place: number, points: readonly IntervalPoint[]): IntervalSeries[] {
  return points.length === 0 ? [] : [{ name, place, points }];
}

function pointOf(atMs: number, interval: IntervalAnswer | undefined): IntervalPoint[] {
  return interval === undefined ? [] : [{ atMs, estimate: interval.estimate, low: interval.low, high: interval.high }];
}
