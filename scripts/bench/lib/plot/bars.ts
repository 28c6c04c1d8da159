// Horizontal bars with their intervals, and a mark where a bar should reach, or end.

import { COLOURS, escapeXml, fixed, roundTicks, svg } from './svg.ts';

/** One bar. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Ends of its interval. */
  readonly low?: number;
  readonly high?: number;
  /** Where its target lies. */
  readonly target?: number;
  /** Index of its colour; 0 when left out. */
  readonly colour?: number;
}

const WIDTH = 940;
const NAMES = 430;
const RIGHT = 70;
const TOP = 40;
const ROW = 24;

/**
 * The picture.
 * @param unit what the axis counts
 */
export function barPlot(title: string, unit: string, bars: readonly Bar[]): string {
  const most = 1.05 * Math.max(...bars.flatMap(({ value, high = 0, target = 0 }) => [value, high, target]));
  const x = (value: number): number => NAMES + (value / most) * (WIDTH - NAMES - RIGHT);
  const bottom = TOP + bars.length * ROW;
  const grid = roundTicks(most).map(
    (tick) =>
      `<line class="grid" x1="${fixed(x(tick))}" x2="${fixed(x(tick))}" y1="${TOP - 4}" y2="${bottom}"/>` +
      `<text class="small" x="${fixed(x(tick))}" y="${bottom + 16}" text-anchor="middle">${tick}</text>`,
  );
  const rows = bars.map(({ name, value, low, high, target, colour = 0 }, i) => {
    const y = TOP + i * ROW;
    const middle = y + ROW / 2 - 2;
    const interval =
      low === undefined || high === undefined
        ? ''
        : `<line class="interval" x1="${fixed(x(low))}" x2="${fixed(x(high))}" y1="${middle}" y2="${middle}"/>`;
    const mark =
      target === undefined
        ? ''
        : `<line class="mark" x1="${fixed(x(target))}" x2="${fixed(x(target))}" y1="${y - 2}" y2="${y + ROW - 2}"/>`;
    const end = x(Math.max(value, high ?? 0, target ?? 0)) + 6;
    return (
      `<text class="small" x="${NAMES - 8}" y="${middle + 4}" text-anchor="end">${escapeXml(name)}</text>` +
      `<rect class="c${colour % COLOURS}" x="${NAMES}" y="${y + 2}" width="${fixed(x(value) - NAMES)}" height="${ROW - 8}" fill-opacity=".75"/>` +
      `${interval}${mark}<text class="small" x="${fixed(end)}" y="${middle + 4}">${spell(value)}</text>`
    );
  });
  const marks = bars.some(({ target }) => target !== undefined) ? '; dashed: target' : '';
  return svg(WIDTH, bottom + 44, `${title}, ${unit}`, [
    `<text class="title" x="12" y="22">${escapeXml(title)}</text>`,
    ...grid,
    ...rows,
    `<text class="small" x="${(NAMES + WIDTH - RIGHT) / 2}" y="${bottom + 36}" text-anchor="middle">${escapeXml(unit + marks)}</text>`,
  ]);
}

function spell(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
