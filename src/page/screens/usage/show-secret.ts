// A key's text, the one time that it can be seen.

import type { IssuedKeyAnswer } from '../../../contract/admin.ts';
import { h, on } from '../../dom/element.ts';
import { copyable } from '../../parts/copy.ts';
import { openDialog } from '../../parts/dialog.ts';

/** Opens a dialog with it; nothing of it stays in the page once that is closed. */
export function showSecret({ key, name }: Pick<IssuedKeyAnswer, 'key' | 'name'>): void {
  openDialog(`Key ${name}`, (close) => [
    h('p', {}, 'Copy it now: only its hash is kept, and it cannot be shown again.'),
    h('p', { class: 'secret' }, copyable(key, 'the key')),
    h('div', { class: 'row' }, on(h('button', { type: 'button', class: 'primary' }, 'I have it'), 'click', close)),
  ]);
}
