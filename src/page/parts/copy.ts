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
  on(button, 'click', () => {
    void navigator.clipboard
      .writeText(text)
      .then(
        () => 'Copied',
        () => 'Not allowed',
      )
      .then((said) => {
        button.textContent = said;
        setTimeout(() => (button.textContent = 'Copy'), SAID_MS);
      });
  });
  return h('span', { class: 'copyable' }, h('code', { title: text }, shown), button);
}
