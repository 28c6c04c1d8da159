// Shares as bars, each with its name and its number: the bar adds nothing that is not written.

import { h, vars, type Child } from '../dom/element.ts';

/** One bar. */
export interface Bar {
  readonly name: string;
  /** In [0, 1]. */
  readonly share: number;
  /** How the share is written. */
  readonly text: string;
  readonly note?: Child;
  /** Set apart from the others. */
  readonly strong?: boolean;
}

/** The bars as a list. @param label what they are shares of */
export function bars(label: string, all: readonly Bar[]): HTMLElement {
  return h('ul', { class: 'bars', 'aria-label': label }, ...all.map(barOf));
}

/** A list of which the first `count` bars are seen and the others folded away. */
export function foldedBars(label: string, all: readonly Bar[], count: number): HTMLElement {
  const rest = all.slice(count);
  if (rest.length <= 1) return bars(label, all);
  return h(
    'div',
    { class: 'stack-small' },
    bars(label, all.slice(0, count)),
    h('details', {}, h('summary', {}, `${rest.length} more`), bars(`${label}, the rest`, rest)),
  );
}

function barOf({ name, share, text, note, strong = false }: Bar): HTMLElement {
  return h(
    'li',
    { class: strong ? 'bar bar-strong' : 'bar' },
    h('span', { class: 'bar-name' }, name, note),
    vars(h('span', { class: 'bar-track', 'aria-hidden': 'true' }), { '--share': Math.min(1, Math.max(0, share)) }),
    h('span', { class: 'bar-text' }, text),
  );
}
