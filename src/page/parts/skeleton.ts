// Where something is going to be.

import { h } from '../dom/element.ts';

/** Grey lines, and the word for those who do not see them. */
export function skeleton(name: string): HTMLElement {
  return h(
    'div',
    { class: 'skeleton' },
    h('span', { class: 'hidden' }, `Loading ${name} …`),
    ...Array.from({ length: 3 }, () => h('div', { class: 'skeleton-line', 'aria-hidden': 'true' })),
  );
}
