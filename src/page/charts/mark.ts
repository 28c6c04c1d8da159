// Marks that tell arms apart without colour.

import { s } from '../dom/element.ts';

/** Half the size of a mark, in pixels. */
const R = 4.5;

const SHAPES: readonly ((x: number, y: number) => SVGElement)[] = [
  (x, y) => s('circle', { cx: x, cy: y, r: R }),
  (x, y) => s('rect', { x: x - R, y: y - R, width: 2 * R, height: 2 * R }),
  (x, y) => s('path', { d: `M${x} ${y - R - 1}L${x + R + 1} ${y + R}L${x - R - 1} ${y + R}Z` }),
  (x, y) => s('path', { d: `M${x} ${y - R - 1.5}L${x + R + 1.5} ${y}L${x} ${y + R + 1.5}L${x - R - 1.5} ${y}Z` }),
  (x, y) => s('path', { d: `M${x} ${y + R + 1}L${x + R + 1} ${y - R}L${x - R - 1} ${y - R}Z` }),
  (x, y) => s('path', { d: `M${x - R} ${y - R}L${x + R} ${y + R}M${x - R} ${y + R}L${x + R} ${y - R}`, 'stroke-width': 2.5 }),
];

/** The mark of the arm at that place in its experiment. */
export function mark(place: number, x: number, y: number): SVGElement {
  return s('g', { class: `mark arm-${place % SHAPES.length}` }, SHAPES[place % SHAPES.length](x, y));
}
