// Curves over a logarithmic axis of counts, from 0 up.

import { COLOURS, escapeXml, fixed, roundTicks, svg } from './svg.ts';

/** One curve. */
export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly low?: number; readonly high?: number }[];
}

/** What the axes count. */
export interface Axes {
  readonly x: string;
  readonly y: string;
}

const WIDTH = 860;
const HEIGHT = 360;
const MARGIN = { left: 64, right: 24, top: 66, bottom: 52 };

/** The picture. */
export function curvePlot(title: string, axes: Axes, curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  const [first, last] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))];
  const most = 1.1 * Math.max(...points.map(({ y, high = 0 }) => Math.max(y, high)));
  const bottom = HEIGHT - MARGIN.bottom;
  const across = (x: number): number =>
    MARGIN.left + 12 + (Math.log(x / first) / Math.max(Math.log(last / first), 1e-9)) * (WIDTH - MARGIN.left - MARGIN.right - 24);
  const up = (y: number): number => bottom - (y / most) * (bottom - MARGIN.top);
  const grid = [
    ...roundTicks(most).map(
      (tick) =>
        `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${fixed(up(tick))}" y2="${fixed(up(tick))}"/>` +
        `<text class="small" x="${MARGIN.left - 8}" y="${fixed(up(tick) + 4)}" text-anchor="end">${tick}</text>`,
    ),
    ...[...new Set(points.map(({ x }) => x))].map(
      (x) => `<text class="small" x="${fixed(across(x))}" y="${bottom + 18}" text-anchor="middle">${x.toLocaleString('en')}</text>`,
    ),
  ];
  const drawn = curves.map(({ name, points: own }, i) => {
    const colour = `c${i % COLOURS}`;
    const path = own.map(({ x, y }) => `${fixed(across(x))},${fixed(up(y))}`).join(' ');
    const dots = own.map(({ x, y, low, high }) => {
      const bar =
        low === undefined || high === undefined
          ? ''
          : `<line class="interval" x1="${fixed(across(x))}" x2="${fixed(across(x))}" y1="${fixed(up(low))}" y2="${fixed(up(high))}"/>`;
      return `${bar}<circle class="${colour}" cx="${fixed(across(x))}" cy="${fixed(up(y))}" r="4"/>`;
    });
    const at = MARGIN.left + i * 190;
    const legend = `<circle class="${colour}" cx="${at}" cy="44" r="4"/><text class="small" x="${at + 10}" y="48">${escapeXml(name)}</text>`;
    return `<polyline class="${colour}" points="${path}"/>${dots.join('')}${legend}`;
  });
  return svg(WIDTH, HEIGHT, `${title}: ${axes.y} over ${axes.x}`, [
    `<text class="title" x="12" y="22">${escapeXml(title)}</text>`,
    ...grid,
    ...drawn,
    `<text class="small" x="${WIDTH / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escapeXml(axes.x)}</text>`,
    `<text class="small" transform="translate(18 ${(MARGIN.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeXml(axes.y)}</text>`,
  ]);
}
