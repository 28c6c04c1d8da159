// Where the time went: router, origin, the rest of the edge, and the way to this browser.

import type { Prediction } from '../../../contract/http.ts';
import { h, vars } from '../../dom/element.ts';
import { milliseconds } from '../../format/number.ts';

/** One bar in parts, each with its name and number below. @param tookMs as the browser saw it */
export function timeline({ router_ms, origin_ms, total_ms }: Prediction['timing'], tookMs: number): HTMLElement {
  const whole = Math.max(tookMs, total_ms, 0.1);
  const parts = [
    { name: 'Router', ms: router_ms, kind: 'router' },
    { name: 'Origin', ms: origin_ms, kind: 'origin' },
    { name: 'Network and the rest', ms: Math.max(0, whole - router_ms - origin_ms), kind: 'rest' },
  ];
  return h(
    'div',
    { class: 'timeline' },
    h(
      'div',
      { class: 'timeline-bar', 'aria-hidden': 'true' },
      ...parts.map(({ ms, kind }) => vars(h('span', { class: `timeline-part timeline-${kind}` }), { '--part': ms / whole })),
    ),
    h(
      'ul',
      { class: 'timeline-key', 'aria-label': 'Time' },
      ...parts.map(({ name, ms, kind }) =>
        h('li', {}, h('span', { class: `swatch timeline-${kind}`, 'aria-hidden': 'true' }), `${name} `, h('b', {}, milliseconds(ms))),
      ),
      h('li', {}, 'Seen here ', h('b', {}, milliseconds(whole))),
    ),
  );
}
