// What was charged, by day and config.

import type { StatementLine } from '../../../contract/usage.ts';
import { h, vars, type Child } from '../../dom/element.ts';
import { money } from '../../format/money.ts';
import { counted, whole } from '../../format/number.ts';
import { table } from '../../parts/table.ts';
import { sumLines, type DaySum } from './sum-lines.ts';

/** The table; each amount has a bar beside it. */
export function chargesByDay(lines: readonly StatementLine[], currency: string): HTMLElement {
  const sums = sumLines(lines);
  const most = Math.max(1, ...sums.map(({ micros }) => micros));
  return h(
    'div',
    { class: 'stack-small' },
    table({
      caption: `Settled among the latest ${counted(lines.length, 'entry', 'entries')}`,
      columns: [
        { name: 'Day', cell: ({ day }) => day },
        { name: 'Config', cell: ({ config }) => h('code', {}, config) },
        { name: 'Requests', cell: ({ requests }) => whole(requests), numeric: true },
        { name: 'Tokens', cell: ({ tokens }) => whole(tokens), numeric: true },
        { name: 'Charged', cell: (sum) => amount(sum, most, currency), numeric: true },
      ],
      rows: sums,
    }),
  );
}

function amount({ micros }: DaySum, most: number, currency: string): Child {
  return h(
    'span',
    { class: 'amount' },
    vars(h('span', { class: 'bar-track', 'aria-hidden': 'true' }), { '--share': micros / most }),
    money(micros, currency),
  );
}
