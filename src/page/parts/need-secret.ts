// What is shown in the place of something that takes the root secret.

import type { ScreenContext } from '../app/screen.ts';
import { h, on } from '../dom/element.ts';

/** A word and the way to the dialog. */
export function needSecret({ askCredentials }: Pick<ScreenContext, 'askCredentials'>): HTMLElement {
  return h(
    'div',
    { class: 'panel panel-empty' },
    h('p', { class: 'panel-title' }, 'This needs the root secret'),
    h('p', { class: 'quiet' }, 'The value of ADMIN_SECRET that this deployment was started with.'),
    on(h('button', { type: 'button', class: 'primary' }, 'Enter it'), 'click', askCredentials),
  );
}
