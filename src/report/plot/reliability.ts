// A reliability diagram: how often a router is right when it says that it is right with some probability. On the diagonal it means what it says.
// Source: Guo, Pleiss, Sun, Weinberger 2017, "On Calibration of Modern Neural Networks", figure 1, arXiv:1706.04599. Ours: intervals instead of
// bars, since a bin of few rows says little.

import type { CalibrationBin } from '../../core/routing/calibration-curve.ts';
import { wilsonInterval } from '../../core/wilson-interval.ts';
import { count, percent } from '../spell.ts';
import { axes, PLANE, PLANE_HEIGHT } from './axes.ts';
import { scaleFrom } from './scale.ts';
import { fixed, hint, label, svgPlot, type PlotText } from './svg.ts';

/** The plot as an SVG element; a circle's area tells how many rows it is about. */
export function reliabilityDiagram(bins: readonly CalibrationBin[], text: PlotText): string {
  const { left, right, top, bottom } = PLANE;
  const xs = scaleFrom(0, 1, left, right);
  const ys = scaleFrom(0, 1, bottom, top);
  const spell = (share: number): string => `${Math.round(100 * share)} %`;
  const most = Math.max(1, ...bins.map(({ rows }) => rows));
  const marks = bins.map(({ rows, confidence, accuracy }) => {
    const [low, high] = wilsonInterval(accuracy * rows, rows);
    const x = fixed(xs.place(confidence));
    return `<g>${hint(`${count(rows)} rows: ${percent(confidence)} stated, ${percent(accuracy)} right, 95 % interval ${percent(low)} to ${percent(high)}`)}<line class="line" x1="${x}" x2="${x}" y1="${fixed(ys.place(low))}" y2="${fixed(ys.place(high))}"/><circle class="front" cx="${x}" cy="${fixed(ys.place(accuracy))}" r="${fixed(3 + 5 * Math.sqrt(rows / most))}"/></g>`;
  });
  return svgPlot(text, PLANE_HEIGHT, [
    ...axes(
      { title: 'probability that the router states', scale: xs, spell },
      { title: 'share of rows that it has right', scale: ys, spell },
    ),
    `<line class="guide" x1="${left}" y1="${bottom}" x2="${right}" y2="${top}"/>`,
    `<g transform="translate(${fixed(xs.place(0.3))} ${fixed(ys.place(0.3) - 6)}) rotate(${fixed((-Math.atan2(bottom - top, right - left) * 180) / Math.PI)})">${label(0, 0, 'as stated', { anchor: 'middle', kind: 'muted' })}</g>`,
    ...marks,
  ]);
}
