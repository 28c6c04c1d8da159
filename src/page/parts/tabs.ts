// Parts of a screen, each with an address of its own.

import { addressOf } from '../app/address.ts';
import { h } from '../dom/element.ts';

/** One part. */
export interface Tab {
  readonly name: string;
  readonly text: string;
}

/** Links to a screen's parts. */
export function tabs(screen: string, label: string, all: readonly Tab[], open: string): HTMLElement {
  return h(
    'nav',
    { class: 'tabs', 'aria-label': label },
    ...all.map(({ name, text }) => h('a', { href: addressOf(screen, name), 'aria-current': name === open ? 'page' : undefined }, text)),
  );
}
