// The ledger of the account that the key belongs to.

import { StatementAnswer, UsageAnswer, type StatementLine } from '../../../contract/usage.ts';
import { ifThere } from '../../api/if-there.ts';
import { live } from '../../app/live.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { money } from '../../format/money.ts';
import { card } from '../../parts/card.ts';
import { empty } from '../../parts/empty.ts';
import { tiles } from '../../parts/tiles.ts';
import { chargesByDay } from './charges-by-day.ts';
import { createEntries } from './entries.ts';
import { keySpending } from './key-spending.ts';

const EVERY_MS = 10_000;
/** Entries that are asked for at once. */
const PAGE = 200;
/** What an account has spent that is not told of. */
const NOTHING = { day_micros: 0, month_micros: 0, ever_micros: 0 } as const;
/** Above every place in a ledger. */
const LATEST = 999_999_999_999_999;

/** The ledger. */
export function ledger(context: ScreenContext): HTMLElement {
  const { api, signal } = context;
  const load = async (before: number): Promise<StatementAnswer> =>
    (await api.call(StatementAnswer, `/v1/statement?before=${before}&limit=${PAGE}`, { signal })).body;
  const entries = createEntries(load);
  return live(context, {
    name: 'the ledger',
    everyMs: EVERY_MS,
    async load() {
      const usage = await ifThere(api.call(UsageAnswer, '/v1/usage', { signal }));
      return usage === undefined ? 'no accounts' : { usage: usage.body, latest: await load(LATEST) };
    },
    view(known) {
      if (known === 'no accounts') return empty('No accounts here', 'Without ADMIN_SECRET requests need no key and cost nothing.');
      const { usage, latest } = known;
      const lines = latest.lines;
      return h(
        'div',
        { class: 'stack' },
        balance(usage, lines),
        lines.length === 0
          ? empty('No requests yet', 'Ask something in the playground.')
          : h(
              'div',
              { class: 'stack' },
              card('By day and config', {}, chargesByDay(lines, usage.currency)),
              card('Entries', {}, entries.show(latest)),
            ),
        card('By key', {}, keySpending(usage)),
      );
    },
  }).element;
}

function balance({ balance_micros, held_micros, currency, spent, account }: UsageAnswer, lines: readonly StatementLine[]): HTMLElement {
  const { day_micros, month_micros, ever_micros } = spent['account'] ?? NOTHING;
  const open = lines.filter(({ state }) => state === 'reserved' || state === 'served').length;
  const unknown = lines.filter(({ state }) => state === 'unknown').length;
  return tiles([
    { name: 'Credit', value: money(balance_micros, currency), note: `account ${account}` },
    { name: 'Held', value: money(held_micros, currency), note: `${open} under way, ${unknown} unknown` },
    { name: 'Spent today', value: money(day_micros, currency), note: 'UTC, what is held included' },
    { name: 'Spent this month', value: money(month_micros, currency), note: `${money(ever_micros, currency)} ever` },
  ]);
}
