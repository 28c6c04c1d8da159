// Whether ledgers, their sums, the published usage and origins' receipts agree.

import { ReconcileAnswer } from '../../../contract/admin.ts';
import { live } from '../../app/live.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h, on } from '../../dom/element.ts';
import { counted } from '../../format/number.ts';
import { clock } from '../../format/time.ts';
import { badge } from '../../parts/badge.ts';
import { card } from '../../parts/card.ts';
import { table } from '../../parts/table.ts';
import { needSecret } from '../../parts/need-secret.ts';
import { receiptsCompared } from './receipts-compared.ts';

/** What each kind of finding means. */
const MEANING: Readonly<Record<ReconcileAnswer['findings'][number]['kind'], string>> = {
  missing: 'settled, but its usage event never arrived',
  extra: 'published, but the ledger has no such charge',
  different: 'published with other facts than the ledger’s',
  balance: 'the balance is not what was paid in less what was charged',
  held: 'what is held is not the sum over open entries',
  unreceipted: 'charged, but no origin has a receipt for it',
  receipt: 'the origin’s book says otherwise than the receipt that the edge was given',
  usage: 'charged by other answers or tokens than its receipts add up to',
  reused: 'charged by a receipt that was charged before',
};

/** The comparison. */
export function books(context: ScreenContext): HTMLElement {
  if (!context.isAdmin) return needSecret(context);
  const { api, signal } = context;
  const part = live(context, {
    name: 'the comparison of the books',
    load: async () => ({ ...(await api.call(ReconcileAnswer, '/admin/v1/reconcile', { signal })).body, atMs: Date.now() }),
    view: result,
  });
  const again = on(h('button', { type: 'button' }, 'Compare again'), 'click', part.reload);
  return card(
    'Reconciliation',
    { aside: again },
    h('p', { class: 'quiet' }, 'Every entry of every account against its sums, the usage log and the receipts of origins.'),
    part.element,
  );
}

function result(compared: ReconcileAnswer & { readonly atMs: number }): HTMLElement {
  const { receipts } = compared;
  return h('div', { class: 'stack' }, verdict(compared), receipts !== undefined && receiptsCompared(receipts));
}

function verdict({ accounts, findings, atMs }: ReconcileAnswer & { readonly atMs: number }): HTMLElement {
  const looked = `${counted(accounts, 'account')} compared at ${clock(atMs)}.`;
  if (findings.length === 0) return h('p', { class: 'row-tight' }, badge('no disagreement', 'good'), h('span', { class: 'quiet' }, looked));
  return h(
    'div',
    { class: 'stack-small' },
    h('p', { class: 'row-tight' }, badge(counted(findings.length, 'disagreement'), 'bad'), h('span', { class: 'quiet' }, looked)),
    table({
      caption: 'Disagreements',
      captionHidden: true,
      columns: [
        { name: 'Account', cell: ({ account }) => h('code', {}, account) },
        { name: 'Entry', cell: ({ seq }) => (seq === undefined ? '–' : String(seq)), numeric: true },
        { name: 'What', cell: ({ kind }) => h('span', {}, kind, h('span', { class: 'quiet block' }, MEANING[kind])) },
        { name: 'Expected', cell: ({ expected }) => (expected === undefined ? '–' : String(expected)), numeric: true },
        { name: 'Got', cell: ({ got }) => (got === undefined ? '–' : String(got)), numeric: true },
      ],
      rows: findings,
    }),
  );
}
