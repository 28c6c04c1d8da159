// What each key of the account has spent.

import type { UsageAnswer } from '../../../contract/usage.ts';
import { h } from '../../dom/element.ts';
import { money } from '../../format/money.ts';
import { empty } from '../../parts/empty.ts';
import { table } from '../../parts/table.ts';

/** The table. */
export function keySpending({ spent, currency }: UsageAnswer): HTMLElement {
  const rows = Object.entries(spent).filter(([key]) => key !== 'account');
  if (rows.length === 0) return empty('No key has spent anything');
  return table({
    caption: 'Spending by key',
    captionHidden: true,
    columns: [
      { name: 'Key', cell: ([key]) => h('code', {}, key) },
      { name: 'Today', cell: ([, { day_micros: micros }]) => money(micros, currency), numeric: true },
      { name: 'This month', cell: ([, { month_micros: micros }]) => money(micros, currency), numeric: true },
      { name: 'Ever', cell: ([, { ever_micros: micros }]) => money(micros, currency), numeric: true },
    ],
    rows,
  });
}
