// A text in code letters with a button that copies it.

import { h, on } from '../dom/element.ts';

/** How long the button says that it worked, in milliseconds. */
const SAID_MS = 1_500;

/**
 * The text and its button.
 * @param what is copied, for the button's name
 * @param shown when less than all of it is to be seen
 */
export function copyable(text: string, what: string, shown = text): HTMLElement {
  const button = h('button', { type: 'button', class: 'copy', 'aria-label': `Copy ${what}`, title: `Copy ${what}` }, 'Copy');
  const copy = async (): Promise<void> => {
    button.textContent = await navigator.clipboard.writeText(text).then(
      () => 'Copied',
      () => 'Not allowed',
    );
    setTimeout(() => (button.textContent = 'Copy'), SAID_MS);
  };
  on(button, 'click', () => void copy());
  return h('span', { class: 'copyable' }, h('code', { title: text }, shown), button);
}
