// A few figures, large.

import { h, type Child } from '../dom/element.ts';

/** One figure. */
export interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note?: Child;
}

/** The figures in a row; they are large, so that a unit may be on the next line. */
export function tiles(all: readonly Tile[]): HTMLElement {
  return h(
    'dl',
    { class: 'tiles' },
    ...all.map(({ name, value, note }) =>
      h(
        'div',
        { class: 'tile' },
        h('dt', {}, name),
        h(
          'dd',
          {},
          h('span', { class: 'tile-value' }, value.replaceAll('\u00a0', ' ')),
          note !== undefined && h('span', { class: 'quiet' }, note),
        ),
      ),
    ),
  );
}
