// Every account, and a new one.

import { AccountsAnswer } from '../../../contract/admin.ts';
import { AccountRecord } from '../../../contract/accounts.ts';
import { addressOf } from '../../app/address.ts';
import { live } from '../../app/live.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { moment } from '../../format/time.ts';
import { card } from '../../parts/card.ts';
import { empty } from '../../parts/empty.ts';
import { inputField } from '../../parts/field.ts';
import { table } from '../../parts/table.ts';
import { actionForm } from './action-form.ts';
import { needSecret } from '../../parts/need-secret.ts';

/** The list. */
export function accounts(context: ScreenContext): HTMLElement {
  if (!context.isAdmin) return needSecret(context);
  const { api, signal } = context;
  const list = live(context, {
    name: 'accounts',
    load: async () => (await api.call(AccountsAnswer, '/admin/v1/accounts', { signal })).body.accounts,
    view: (all) => (all.length === 0 ? empty('No accounts', 'Make the first one below.') : accountTable(all)),
  });
  const name = inputField('Name', { attributes: { required: true, maxlength: 200 } });
  const form = actionForm(context, {
    label: 'New account',
    submit: 'Make the account',
    fields: [name.element],
    async run() {
      const { body } = await api.call(AccountRecord, '/admin/v1/accounts', { method: 'POST', body: { name: name.control.value }, signal });
      name.control.value = '';
      list.reload();
      return `Made ${body.name}.`;
    },
  });
  return h('div', { class: 'stack' }, card('Accounts', {}, list.element), card('New account', {}, form));
}

function accountTable(rows: AccountsAnswer['accounts']): HTMLElement {
  return table({
    caption: 'Accounts',
    captionHidden: true,
    columns: [
      { name: 'Name', cell: ({ id, name }) => h('a', { href: addressOf('usage', 'accounts', id) }, name) },
      { name: 'Account', cell: ({ id }) => h('code', {}, id) },
      { name: 'Since', cell: ({ created_ms: ms }) => moment(ms) },
    ],
    rows,
  });
}
