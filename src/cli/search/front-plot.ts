// The front as a picture: one SVG for the first objective against each other one, or over the trials when there is but one. Colours come
// from the page, so that it follows the reader's scheme.

import { spellMetric, type Metric } from './metrics.ts';
import type { Front, FrontEntry } from './front.ts';

const WIDTH = 640;
const HEIGHT = 400;
const MARGIN = { left: 92, right: 24, top: 16, bottom: 60 };

/** An axis: what it shows of an entry, and how it reads. */
interface Axis {
  readonly title: string;
  readonly goal: Metric['goal'];
  readonly of: (entry: FrontEntry) => number;
  readonly spell: (value: number) => string;
}

/** SVG elements, one a pair of objectives; none without measurements. */
export function frontPlots({ metrics, entries, best }: Front): readonly string[] {
  if (entries.length === 0) return [];
  const [first, ...others] = metrics.map(metricAxis);
  if (others.length === 0) return [plot({ title: 'trial', goal: 'min', of: ({ trial }) => trial, spell: String }, first, entries, [])];
  // Of three and more objectives a pair shows only a shadow of the front, which has no edge.
  return others.map((other) => plot(other, first, entries, others.length === 1 ? best : []));
}

function metricAxis(metric: Metric, k: number): Axis {
  return {
    goal: metric.goal,
    title: `${metric.name} (${metric.goal === 'max' ? 'more' : 'less'} is better)`,
    of: ({ scores }) => scores[k],
    spell: (value) => spellMetric(metric, value),
  };
}

function plot(x: Axis, y: Axis, entries: readonly FrontEntry[], best: readonly FrontEntry[]): string {
  const across = scaleOf(entries.map(x.of), MARGIN.left, WIDTH - MARGIN.right);
  const up = scaleOf(entries.map(y.of), HEIGHT - MARGIN.bottom, MARGIN.top);
  const at = (entry: FrontEntry): readonly [number, number] => [across.place(x.of(entry)), up.place(y.of(entry))];
  const grid = [
    ...across.ticks.map(
      (tick) =>
        `<line class="grid" x1="${fixed(across.place(tick))}" x2="${fixed(across.place(tick))}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}"/><text x="${fixed(across.place(tick))}" y="${HEIGHT - MARGIN.bottom + 22}" text-anchor="middle">${compact(tick)}</text>`,
    ),
    ...up.ticks.map(
      (tick) =>
        `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${fixed(up.place(tick))}" y2="${fixed(up.place(tick))}"/><text x="${MARGIN.left - 8}" y="${fixed(up.place(tick) + 5)}" text-anchor="end">${compact(tick)}</text>`,
    ),
  ];
  const edge = edgeOf(best, x, y).map(([value, other]) => `${fixed(across.place(value))},${fixed(up.place(other))}`);
  const marks = entries.map((entry) => {
    const [cx, cy] = at(entry);
    const kind = entry.place !== undefined ? 'front' : entry.feasible ? 'trial' : 'infeasible';
    const title = `trial ${entry.trial}: ${y.title.split(' ')[0]} ${y.spell(y.of(entry))}, ${x.title.split(' ')[0]} ${x.spell(x.of(entry))}${entry.feasible ? '' : ', outside the constraints'}`;
    const label = entry.place === undefined ? '' : `<text x="${fixed(cx + 8)}" y="${fixed(cy + 18)}">${entry.place}</text>`;
    return `<circle class="${kind}" cx="${fixed(cx)}" cy="${fixed(cy)}" r="${kind === 'front' ? 5 : 3.5}"><title>${escapeHtml(title)}</title></circle>${label}`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(`${y.title} against ${x.title}`)}">
${grid.join('\n')}
<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escapeHtml(x.title)}</text>
<text transform="translate(20 ${(MARGIN.top + HEIGHT - MARGIN.bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(y.title)}</text>
${edge.length > 1 ? `<polyline class="line" points="${edge.join(' ')}"/>\n` : ''}${marks.join('\n')}
</svg>`;
}

/** The edge of what the front dominates: from each point to the next around a corner, since nothing between them was measured. */
function edgeOf(best: readonly FrontEntry[], x: Axis, y: Axis): (readonly [number, number])[] {
  const points = best.map((entry): readonly [number, number] => [x.of(entry), y.of(entry)]).sort(([a], [b]) => a - b);
  return points.flatMap((point, i) => {
    const next = points[i + 1];
    if (next === undefined) return [point];
    return [point, x.goal === 'min' ? ([next[0], point[1]] as const) : ([point[0], next[1]] as const)];
  });
}

/** A linear scale over values with some air, and round ticks. */
function scaleOf(values: readonly number[], from: number, to: number): { place(value: number): number; readonly ticks: readonly number[] } {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const air = high > low ? 0.05 * (high - low) : 0.05 * (Math.abs(high) || 1);
  const [start, end] = [low - air, high + air];
  const step = roundStep((end - start) / 4);
  const ticks: number[] = [];
  for (let k = Math.ceil(start / step); k * step <= end; k++) ticks.push(k * step);
  return { place: (value) => from + ((value - start) / (end - start)) * (to - from), ticks };
}

/** 1, 2 or 5 times a power of ten, the nearest from below. */
function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  const times = size / power;
  return power * (times >= 5 ? 5 : times >= 2 ? 2 : 1);
}

function compact(value: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 }).format(value);
}

function fixed(value: number): string {
  return value.toFixed(1);
}

/** Text within HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
