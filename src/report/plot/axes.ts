// The two axes of a plane: a light grid, ticks as numbers, a title for each.

import { compact } from '../spell.ts';
import type { Scale } from './scale.ts';
import { fixed, label, PLOT_WIDTH } from './svg.ts';

/** Where the plane lies in the plot. */
export const PLANE = { left: 62, right: PLOT_WIDTH - 22, top: 12, bottom: 250 };
/** Height of a plot with a plane. */
export const PLANE_HEIGHT = 296;

/** An axis with its title. */
export interface PlaneAxis {
  readonly title: string;
  readonly scale: Scale;
  readonly spell?: (value: number) => string;
}

/** Grid, ticks and titles. */
export function axes(x: PlaneAxis, y: PlaneAxis): string[] {
  const { left, right, top, bottom } = PLANE;
  const vertical = x.scale.ticks.map((tick) => {
    const at = fixed(x.scale.place(tick));
    return `<line class="grid" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>${label(x.scale.place(tick), bottom + 17, (x.spell ?? compact)(tick), { anchor: 'middle', kind: 'muted' })}`;
  });
  const horizontal = y.scale.ticks.map((tick) => {
    const at = fixed(y.scale.place(tick));
    return `<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>${label(left - 6, y.scale.place(tick) + 4, (y.spell ?? compact)(tick), { anchor: 'end', kind: 'muted' })}`;
  });
  return [
    ...vertical,
    ...horizontal,
    label((left + right) / 2, PLANE_HEIGHT - 10, x.title, { anchor: 'middle' }),
    `<g transform="translate(13 ${(top + bottom) / 2}) rotate(-90)">${label(0, 0, y.title, { anchor: 'middle', widest: bottom - top })}</g>`,
  ];
}
