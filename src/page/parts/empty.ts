// Nothing to show, and why.

import { h, type Child } from '../dom/element.ts';

/** A title and what would put something here. */
export function empty(title: string, ...rest: readonly Child[]): HTMLElement {
  return h(
    'div',
    { class: 'panel panel-empty' },
    h('p', { class: 'panel-title' }, title),
    rest.length > 0 && h('p', { class: 'quiet' }, ...rest),
  );
}
