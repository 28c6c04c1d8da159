// One account: its credit and its keys.

import * as z from 'zod/mini';
import { AccountAnswer, CreditAnswer, KeysAnswer } from '../../../contract/admin.ts';
import { addressOf } from '../../app/address.ts';
import { live } from '../../app/live.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { money } from '../../format/money.ts';
import { card } from '../../parts/card.ts';
import { empty } from '../../parts/empty.ts';
import { inputField } from '../../parts/field.ts';
import { tiles } from '../../parts/tiles.ts';
import { actionForm } from './action-form.ts';
import { keyTable } from './key-table.ts';
import { limitText } from './limit-text.ts';
import { needSecret } from '../../parts/need-secret.ts';
import { newKeyForm } from './new-key-form.ts';

/** Micro-units of one unit of the currency. */
const MICROS = 1e6;
const Amount = z.number().check(z.minimum(0.000001), z.maximum(1e6));

/** The account with that id. */
export function account(context: ScreenContext, id: string): HTMLElement {
  if (!context.isAdmin) return needSecret(context);
  const { api, signal } = context;
  const path = `/admin/v1/accounts/${encodeURIComponent(id)}`;
  const head = live(context, {
    name: 'the account',
    load: async () => (await api.call(AccountAnswer, path, { signal })).body,
    view: accountHead,
  });
  const keys = live(context, {
    name: 'keys',
    load: async () => (await api.call(KeysAnswer, `${path}/keys`, { signal })).body.keys,
    view: (all) => (all.length === 0 ? empty('No keys', 'Issue the first one below.') : keyTable(context, path, all, () => keys.reload())),
  });
  const amount = inputField('Amount', {
    hint: 'In whole units of the currency.',
    attributes: { type: 'number', min: '0', step: 'any', required: true },
  });
  const payment = inputField('Payment', {
    hint: 'Its id at your bank or invoice: the same one counts once.',
    attributes: { required: true, pattern: '[\\w.:\\-]{1,100}' },
  });
  const credit = actionForm(context, {
    label: 'Pay in',
    submit: 'Pay in',
    fields: [h('div', { class: 'fields' }, amount.element, payment.element)],
    async run() {
      const micros = Math.round(z.parse(Amount, Number(amount.control.value)) * MICROS);
      const { body } = await api.call(CreditAnswer, `${path}/credits`, {
        method: 'POST',
        body: { id: payment.control.value, micros },
        signal,
      });
      head.reload();
      return body.added ? 'Paid in.' : 'This payment was there already: it counts once.';
    },
  });
  return h(
    'div',
    { class: 'stack' },
    h('p', {}, h('a', { href: addressOf('usage', 'accounts') }, '← All accounts')),
    head.element,
    card('Keys', {}, keys.element),
    h(
      'div',
      { class: 'halves' },
      card(
        'New key',
        {},
        newKeyForm(context, path, () => keys.reload()),
      ),
      card('Pay in', {}, credit),
    ),
  );
}

function accountHead({ id, name, balance_micros, held_micros, currency, spend_limit }: AccountAnswer): HTMLElement {
  return h(
    'div',
    { class: 'stack' },
    h('h2', {}, name),
    tiles([
      { name: 'Credit', value: money(balance_micros, currency), note: `account ${id}` },
      { name: 'Held', value: money(held_micros, currency) },
      { name: 'Cap', value: limitText(spend_limit, currency) },
    ]),
  );
}
