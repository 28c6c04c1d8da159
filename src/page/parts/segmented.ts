// One of a few, side by side: radio buttons, so that arrow keys move and one Tab passes them all.

import { h, on } from '../dom/element.ts';
import type { Choice } from './field.ts';

/** What is chosen from. */
export interface SegmentedParts {
  /** Stays the same when the choice is shown anew, so that focus does not get lost. */
  readonly id: string;
  readonly label: string;
  readonly choices: readonly Choice[];
  readonly chosen: string;
  readonly changed: (value: string) => void;
}

/** The choice. */
export function segmented({ id, label, choices, chosen, changed }: SegmentedParts): HTMLElement {
  return h(
    'fieldset',
    { class: 'segmented' },
    h('legend', { class: 'hidden' }, label),
    ...choices.map(({ value, text }, i) => {
      const own = `${id}-${i}`;
      const input = h('input', { type: 'radio', name: id, id: own, value, checked: value === chosen });
      return h(
        'span',
        {},
        on(input, 'change', () => changed(value)),
        h('label', { for: own }, text),
      );
    }),
  );
}
