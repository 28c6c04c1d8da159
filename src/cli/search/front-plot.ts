// The front as pictures: the first objective against each other one, or over the trials when there is but one.

import { scatterPlot } from '../../report/plot/scatter.ts';
import { spellMetric, type Metric } from './metrics.ts';
import type { Front, FrontEntry } from './front.ts';

/** An axis: what it shows of an entry, and how it reads. */
interface Axis {
  readonly name: string;
  readonly title: string;
  readonly goal: Metric['goal'];
  readonly of: (entry: FrontEntry) => number;
  readonly spell: (value: number) => string;
}

/** SVG elements, one a pair of objectives; none without measurements. */
export function frontPlots({ metrics, entries }: Front): readonly string[] {
  if (entries.length === 0) return [];
  const [first, ...others] = metrics.map(metricAxis);
  if (others.length === 0)
    return [plot({ name: 'trial', title: 'trial', goal: 'min', of: ({ trial }) => trial, spell: String }, first, entries, false)];
  // Of three and more objectives a pair shows only a shadow of the front, which has no edge.
  return others.map((other) => plot(other, first, entries, others.length === 1));
}

function metricAxis(metric: Metric, k: number): Axis {
  return {
    name: metric.name,
    title: `${metric.name} (${metric.goal === 'max' ? 'more' : 'less'} is better)`,
    goal: metric.goal,
    of: ({ scores }) => scores[k],
    spell: (value) => spellMetric(metric, value),
  };
}

function plot(x: Axis, y: Axis, entries: readonly FrontEntry[], edge: boolean): string {
  return scatterPlot({
    title: `${y.name} against ${x.name}`,
    description: `${entries.length} configs, ${entries.filter(({ place }) => place !== undefined).length} of them on the front and numbered by their place on it.`,
    x,
    y,
    edge,
    points: entries.map((entry) => ({
      x: x.of(entry),
      y: y.of(entry),
      kind: entry.place !== undefined ? 'front' : entry.feasible ? 'dominated' : 'outside',
      ...(entry.place !== undefined && { label: String(entry.place) }),
      hint: `trial ${entry.trial}: ${y.name} ${y.spell(y.of(entry))}, ${x.name} ${x.spell(x.of(entry))}${entry.feasible ? '' : ', outside the constraints'}`,
    })),
  });
}
