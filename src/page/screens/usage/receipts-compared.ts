// What ledgers were compared with, of origins: their books of receipts.

import type { ReconcileAnswer } from '../../../contract/admin.ts';
import { h } from '../../dom/element.ts';
import { counted, whole } from '../../format/number.ts';
import { moment } from '../../format/time.ts';
import { badge } from '../../parts/badge.ts';
import { table } from '../../parts/table.ts';

/** Each origin's book, and the receipts that nobody paid for. */
export function receiptsCompared({ hours, charged, books, uncharged }: NonNullable<ReconcileAnswer['receipts']>): HTMLElement {
  const unpaid = Object.entries(uncharged).filter(([, count]) => count > 0);
  return h(
    'div',
    { class: 'stack-small' },
    h('h3', {}, 'Receipts of origins'),
    h('p', { class: 'quiet' }, `${counted(charged, 'charged entry', 'charged entries')} of the last ${counted(hours, 'hour')} looked for.`),
    table({
      caption: 'Books of origins',
      captionHidden: true,
      columns: [
        { name: 'Endpoint', cell: ({ endpoint }) => endpoint },
        { name: 'Receipts', cell: ({ receipts }) => whole(receipts), numeric: true },
        { name: 'Complete since', cell: ({ from_ms: ms }) => (ms === undefined ? '–' : moment(ms)) },
        {
          name: 'State',
          cell: ({ problem }) =>
            problem === undefined
              ? badge('compared', 'good')
              : h('span', {}, badge('not got', 'warn'), h('span', { class: 'quiet block' }, problem)),
        },
      ],
      rows: books,
    }),
    h(
      'p',
      { class: 'quiet' },
      unpaid.length === 0
        ? 'Every receipt was paid for.'
        : `Receipts that nobody paid for: ${unpaid.map(([why, count]) => `${why} ${whole(count)}`).join(', ')}.`,
    ),
  );
}
