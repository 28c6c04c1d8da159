// A line without axes, as high as a line of text: how something went lately.

import { s } from '../dom/element.ts';

const WIDTH = 120;
const HEIGHT = 28;

/** The line; the newest value is at the right end. @param title what it says in words */
export function sparkline(values: readonly number[], title: string): SVGElement {
  const most = Math.max(...values, 1e-9);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map((value, i) => `${(i * step).toFixed(1)},${(HEIGHT - 3 - (value / most) * (HEIGHT - 6)).toFixed(1)}`);
  return s(
    'svg',
    { class: 'sparkline', width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': title },
    values.length > 1 && s('polyline', { points: points.join(' ') }),
  );
}
