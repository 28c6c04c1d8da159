// Drawings that are made for the width they have: text keeps its size on a phone.

import { h } from '../dom/element.ts';

/** Shown until the first measurement, in pixels. */
const FIRST_WIDTH = 640;

/** A box that draws itself anew when its width changes. */
export function fitted(draw: (width: number) => SVGElement): HTMLElement {
  const box = h('div', { class: 'fitted' }, draw(FIRST_WIDTH));
  let width = FIRST_WIDTH;
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry?.contentRect.width ?? width);
    if (now === width || now < 1) return;
    width = now;
    box.replaceChildren(draw(now));
  }).observe(box);
  return box;
}
