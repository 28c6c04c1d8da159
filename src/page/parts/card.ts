// A part of a screen under a heading of its own.

import { h, type Child } from '../dom/element.ts';
import { uniqueId } from '../dom/unique-id.ts';

/** What stands beside a card's heading. */
export interface CardOptions {
  /** Level of the heading. */
  readonly level?: 'h2' | 'h3';
  readonly aside?: Child;
  readonly class?: string;
}

/** The card, a region that is named by its heading. */
export function card(title: Child, { level = 'h2', aside, class: extra = '' }: CardOptions, ...children: readonly Child[]): HTMLElement {
  const id = uniqueId('card');
  return h(
    'section',
    { class: `card ${extra}`.trim(), 'aria-labelledby': id },
    h('header', { class: 'card-head' }, h(level, { id }, title), aside),
    ...children,
  );
}
