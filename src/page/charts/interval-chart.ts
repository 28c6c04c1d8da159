// Estimates with their intervals over time: a line and a band for each series, a mark of its own at its end, and all of it as a table too.

import { scaleOver, type Scale } from '../../report/plot/scale.ts';
import { h, s } from '../dom/element.ts';
import { uniqueId } from '../dom/unique-id.ts';
import { clock, moment, tickOf } from '../format/time.ts';
import { table } from '../parts/table.ts';
import { fitted } from './fitted.ts';
import { mark } from './mark.ts';

/** One estimate; a bound is null where there is none yet. */
export interface IntervalPoint {
  readonly atMs: number;
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** One line. */
export interface IntervalSeries {
  readonly name: string;
  /** Place in the list of arms; gives colour and mark. */
  readonly place: number;
  readonly points: readonly IntervalPoint[];
}

/** What is drawn. */
export interface IntervalChartParts {
  /** Stays the same from one drawing to the next. */
  readonly id: string;
  readonly title: string;
  /** One sentence that says what is to be seen. */
  readonly summary: string;
  readonly series: readonly IntervalSeries[];
  readonly format: (value: number) => string;
  /** Draws the line that would mean no difference. */
  readonly zero?: boolean;
}

const HEIGHT = 220;
const MARGIN = { top: 12, right: 16, bottom: 26, left: 66 } as const;
/** Early bands are cut where they reach further than so many times what the lines and the last bands do, so that those can be seen. */
const WIDEST = 2;

/** The chart. */
export function intervalChart(parts: IntervalChartParts): HTMLElement {
  const { title, summary, series, id } = parts;
  return h(
    'figure',
    { class: 'chart' },
    h('figcaption', {}, h('span', { class: 'chart-title' }, title), h('span', { class: 'quiet' }, summary)),
    series.length > 1 &&
      h(
        'ul',
        { class: 'legend', 'aria-label': 'Arms' },
        ...series.map(({ name, place }) =>
          h('li', {}, s('svg', { width: 14, height: 14, viewBox: '-7 -7 14 14', 'aria-hidden': 'true' }, mark(place, 0, 0)), name),
        ),
      ),
    fitted((width) => draw(parts, width)),
    h('details', { id: `${id}-table` }, h('summary', {}, 'As a table'), pointTable(parts)),
  );
}

function draw({ title, summary, series, format, zero = false }: IntervalChartParts, width: number): SVGElement {
  const times = series.flatMap(({ points }) => points.map(({ atMs }) => atMs));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const right = width - MARGIN.right;
  const x = (atMs: number): number => (last === first ? right : MARGIN.left + ((atMs - first) / (last - first)) * (right - MARGIN.left));
  const y = scaleOver(valuesIn(series, zero), HEIGHT - MARGIN.bottom, MARGIN.top);
  const clip = uniqueId('clip');
  return s(
    'svg',
    { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': `${title}. ${summary}` },
    s(
      'defs',
      {},
      s(
        'clipPath',
        { id: clip },
        s('rect', { x: MARGIN.left, y: MARGIN.top - 6, width: right - MARGIN.left + 8, height: HEIGHT - MARGIN.bottom - MARGIN.top + 8 }),
      ),
    ),
    ...y.ticks.map((tick) => gridLine(tick, y, right, format)),
    zero && s('line', { class: 'chart-zero', x1: MARGIN.left, x2: right, y1: y.place(0), y2: y.place(0) }),
    ...timeTicks(first, last, width).map((at, i, all) =>
      s(
        'text',
        {
          class: 'chart-tick',
          x: x(at),
          y: HEIGHT - 8,
          'text-anchor': all.length === 1 || i === all.length - 1 ? 'end' : i === 0 ? 'start' : 'middle',
        },
        tickOf(at, last - first),
      ),
    ),
    s('g', { 'clip-path': `url(#${clip})` }, ...series.flatMap((one) => drawSeries(one, x, y))),
  );
}

function drawSeries({ place, points }: IntervalSeries, x: (atMs: number) => number, y: Scale): SVGElement[] {
  const known = points.filter((point) => point.estimate !== null);
  const banded = known.flatMap(({ atMs, low, high }) =>
    low === null || high === null ? [] : [{ at: x(atMs), low: y.place(low), high: y.place(high) }],
  );
  const band = [...banded.map(({ at, high }) => `${at},${high}`), ...banded.toReversed().map(({ at, low }) => `${at},${low}`)];
  const line = known.map(({ atMs, estimate }) => `${x(atMs)},${y.place(estimate ?? 0)}`);
  const end = known.at(-1);
  const lone = banded.length === 1 ? banded[0] : undefined;
  return [
    ...(banded.length > 1 ? [s('polygon', { class: `band arm-${place % 6}`, points: band.join(' ') })] : []),
    ...(lone === undefined
      ? []
      : [s('line', { class: `whisker arm-${place % 6}`, x1: lone.at, x2: lone.at, y1: lone.low, y2: lone.high })]),
    ...(line.length > 1 ? [s('polyline', { class: `line arm-${place % 6}`, points: line.join(' ') })] : []),
    ...(end === undefined ? [] : [mark(place, x(end.atMs), y.place(end.estimate ?? 0))]),
  ];
}

/** What the axis has to hold: estimates always, bounds as far as they are not out of all proportion. */
function valuesIn(series: readonly IntervalSeries[], zero: boolean): readonly number[] {
  const points = series.flatMap((one) => one.points);
  const estimates = points.flatMap(({ estimate }) => estimate ?? []);
  const final = series.flatMap((one) => one.points.at(-1) ?? []).flatMap(({ low, high }) => [low ?? [], high ?? []].flat());
  const core = [...estimates, ...final, ...(zero ? [0] : [])];
  if (core.length === 0) return [0, 1];
  const middle = (Math.min(...core) + Math.max(...core)) / 2;
  const reach = Math.max((Math.max(...core) - Math.min(...core)) / 2, 1e-9);
  const bounds = points
    .flatMap(({ low, high }) => [low ?? [], high ?? []].flat())
    .filter((value) => Math.abs(value - middle) <= WIDEST * reach);
  return [...core, ...bounds];
}

function gridLine(tick: number, y: Scale, right: number, format: (value: number) => string): SVGElement {
  const at = y.place(tick);
  return s(
    'g',
    {},
    s('line', { class: 'chart-grid', x1: MARGIN.left, x2: right, y1: at, y2: at }),
    s('text', { class: 'chart-tick', x: MARGIN.left - 8, y: at + 4, 'text-anchor': 'end' }, format(tick).replace(/\.0+(?=\D)/, '')),
  );
}

/** A few times, both ends among them. */
function timeTicks(first: number, last: number, width: number): readonly number[] {
  if (first === last) return [last];
  const count = width < 480 ? 2 : 4;
  return Array.from({ length: count }, (_, i) => first + ((last - first) * i) / (count - 1));
}

function pointTable({ title, series, format }: IntervalChartParts): HTMLElement {
  const rows = series.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })));
  const text = (value: number | null): string => (value === null ? 'no bound yet' : format(value));
  const span = rows.length === 0 ? 0 : Math.max(...rows.map(({ atMs }) => atMs)) - Math.min(...rows.map(({ atMs }) => atMs));
  return table({
    caption: title,
    columns: [
      { name: 'Time', cell: ({ atMs }) => (span < 86_400_000 ? clock(atMs) : moment(atMs)) },
      { name: 'Arm', cell: ({ name }) => name },
      { name: 'Estimate', cell: ({ estimate }) => text(estimate), numeric: true },
      { name: 'Low', cell: ({ low }) => text(low), numeric: true },
      { name: 'High', cell: ({ high }) => text(high), numeric: true },
    ],
    rows: rows.toSorted((a, b) => b.atMs - a.atMs),
  });
}
