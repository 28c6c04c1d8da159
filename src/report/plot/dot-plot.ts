// Several values a row on one scale, each with a shape of its own: how far apart they are is what one sees first.

import { escapeHtml } from '../escape.ts';
import { scaleFrom } from './scale.ts';
import { fixed, hint, label, PLOT_WIDTH, svgPlot, widthOf, type PlotText } from './svg.ts';

/** Shapes of the series, which are classes of the page too. */
export type DotShape = 'base' | 'shared' | 'oracle' | 'routed';

/** A value of a row. */
export interface Dot {
  readonly shape: DotShape;
  readonly value: number;
  readonly hint: string;
}

/** A row. */
export interface DotRow {
  readonly name: string;
  /** Later ones lie above earlier ones. */
  readonly dots: readonly Dot[];
  /** Written at the right. */
  readonly text: string;
}

/** What to plot. */
export interface DotPlot extends PlotText {
  /** Names of the shapes, in the order of the legend. */
  readonly series: readonly (readonly [shape: DotShape, name: string])[];
  readonly rows: readonly DotRow[];
  readonly axis: string;
  /** Where a guide stands, e.g. at 100. */
  readonly guide?: { readonly value: number; readonly name: string };
}

const ROW = 24;
const TOP = 44;

/** The plot as an SVG element. */
export function dotPlot({ series, rows, axis, guide, ...text }: DotPlot): string {
  const left = Math.min(110, Math.max(...rows.map(({ name }) => widthOf(name)))) + 10;
  const right = PLOT_WIDTH - Math.max(...rows.map((row) => widthOf(row.text))) - 14;
  const values = [0, ...(guide === undefined ? [] : [guide.value]), ...rows.flatMap(({ dots }) => dots.map(({ value }) => value))];
  const scale = scaleFrom(Math.min(...values), Math.max(...values), left, right);
  const bottom = TOP + rows.length * ROW;
  const ticks = scale.ticks.map((tick) => {
    const x = fixed(scale.place(tick));
    return `<line class="grid" x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}"/>${label(scale.place(tick), bottom + 16, String(tick), { anchor: 'middle', kind: 'muted' })}`;
  });
  const guides =
    guide === undefined
      ? []
      : [
          `<line class="guide" x1="${fixed(scale.place(guide.value))}" x2="${fixed(scale.place(guide.value))}" y1="${TOP - 4}" y2="${bottom}"/>`,
          label(scale.place(guide.value), TOP - 9, guide.name, { anchor: 'middle', kind: 'muted' }),
        ];
  return svgPlot(text, bottom + 40, [
    ...legend(series),
    ...ticks,
    ...guides,
    ...rows.map(({ name, dots, text: written }, r) => {
      const y = TOP + (r + 0.5) * ROW;
      const marks = dots.map((dot) => mark(dot.shape, scale.place(dot.value), y, hint(dot.hint)));
      return `${label(left - 10, y + 4, name, { anchor: 'end', widest: 110 })}<line class="grid" x1="${fixed(left)}" x2="${fixed(right)}" y1="${fixed(y)}" y2="${fixed(y)}"/>${marks.join('')}${label(PLOT_WIDTH - 2, y + 4, written, { anchor: 'end' })}`;
    }),
    label((left + right) / 2, bottom + 34, axis, { anchor: 'middle' }),
  ]);
}

function legend(series: DotPlot['series']): string[] {
  let x = 8;
  return series.map(([shape, name]) => {
    const entry = `${mark(shape, x, 10, '')}<text x="${fixed(x + 11)}" y="14">${escapeHtml(name)}</text>`;
    x += widthOf(name) + 32;
    return entry;
  });
}

function mark(shape: DotShape, x: number, y: number, title: string): string {
  const [cx, cy] = [fixed(x), fixed(y)];
  switch (shape) {
    case 'base':
      return `<path class="base" d="M${fixed(x - 4)} ${fixed(y - 4)}L${fixed(x + 4)} ${fixed(y + 4)}M${fixed(x - 4)} ${fixed(y + 4)}L${fixed(x + 4)} ${fixed(y - 4)}">${title}</path>`;
    case 'shared':
      return `<rect class="shared" x="${fixed(x - 4)}" y="${fixed(y - 4)}" width="8" height="8">${title}</rect>`;
    case 'oracle':
      return `<path class="oracle" d="M${cx} ${fixed(y - 7)}L${fixed(x + 7)} ${cy}L${cx} ${fixed(y + 7)}L${fixed(x - 7)} ${cy}Z">${title}</path>`;
    case 'routed':
      return `<circle class="routed" cx="${cx}" cy="${cy}" r="4">${title}</circle>`;
  }
}
