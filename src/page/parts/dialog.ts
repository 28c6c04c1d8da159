// Modal dialogs: the browser keeps the focus inside, Escape closes, and focus returns to where it was.

import { h, type Child } from '../dom/element.ts';
import { uniqueId } from '../dom/unique-id.ts';

/**
 * Opens a dialog that is gone once it is closed.
 * @param content given what closes it
 */
export function openDialog(title: string, content: (close: () => void) => readonly Child[]): void {
  const id = uniqueId('dialog');
  const before = document.activeElement;
  const dialog = h('dialog', { 'aria-labelledby': id });
  // The event comes later than the closing; what was shown must not stay until then.
  const close = (): void => {
    if (dialog.open) dialog.close();
    dialog.remove();
    if (before instanceof HTMLElement) before.focus();
  };
  dialog.append(h('h2', { id }, title), ...content(close).filter((child) => child instanceof Node));
  dialog.addEventListener('close', () => {
    if (dialog.isConnected) close();
  });
  document.body.append(dialog);
  dialog.showModal();
}
