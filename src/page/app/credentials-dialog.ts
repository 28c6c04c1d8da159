// Where the key and the root secret are typed in.

import { h, on } from '../dom/element.ts';
import { openDialog } from '../parts/dialog.ts';
import { inputField } from '../parts/field.ts';
import type { CredentialStore } from './credentials.ts';

/** Opens the dialog. @param changed called after something was kept or forgotten */
export function openCredentialsDialog(store: CredentialStore, changed: () => void): void {
  openDialog('Key and root secret', (close) => {
    const known = store.read();
    const attributes = { type: 'password', spellcheck: 'false', autocapitalize: 'off' };
    const key = inputField('API key', {
      hint: 'For the playground; usage, experiments and endpoints need its scope admin-read.',
      attributes,
    });
    const secret = inputField('Root secret', { hint: 'Only for accounts, keys and reconciliation.', attributes });
    key.control.value = known.key;
    secret.control.value = known.secret;
    const keep = (values: { key: string; secret: string }): void => {
      store.write(values);
      close();
      changed();
    };
    const form = h(
      'form',
      { class: 'stack', method: 'dialog' },
      h(
        'p',
        { class: 'quiet' },
        'Kept in this tab until it is closed. Sent to this edge alone. A deployment without accounts needs neither.',
      ),
      key.element,
      secret.element,
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'submit', class: 'primary' }, 'Keep'),
        on(h('button', { type: 'button' }, 'Forget both'), 'click', () => keep({ key: '', secret: '' })),
        on(h('button', { type: 'button', class: 'ghost' }, 'Cancel'), 'click', close),
      ),
    );
    on(form, 'submit', (event) => {
      event.preventDefault();
      keep({ key: key.control.value, secret: secret.control.value });
    });
    return [form];
  });
}
