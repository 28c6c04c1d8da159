// Horizontal bars from nought, each with its name above and its number beside it.

import { fixed, hint, label, PLOT_WIDTH, svgPlot, widthOf, type PlotText } from './svg.ts';

/** A bar. */
export interface Bar {
  readonly name: string;
  /** At least 0. */
  readonly value: number;
  /** The value as it is written. */
  readonly text: string;
}

const ROW = 22;

/** The plot as an SVG element. */
export function barPlot(bars: readonly Bar[], text: PlotText): string {
  const left = Math.min(130, Math.max(...bars.map(({ name }) => widthOf(name)))) + 8;
  const right = PLOT_WIDTH - Math.max(...bars.map((bar) => widthOf(bar.text))) - 8;
  const most = Math.max(...bars.map(({ value }) => value)) || 1;
  const body = bars.map(({ name, value, text: written }, i) => {
    const length = Math.max(0.5, (value / most) * (right - left));
    return `<g>${hint(`${name}: ${written}`)}${label(left - 8, i * ROW + 16, name, { anchor: 'end', widest: 130 })}<rect class="bar" x="${fixed(left)}" y="${i * ROW + 5}" width="${fixed(length)}" height="14"/>${label(left + length + 6, i * ROW + 16, written)}</g>`;
  });
  return svgPlot(text, bars.length * ROW + 4, body);
}
