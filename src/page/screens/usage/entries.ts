// The entries of a ledger, latest first, by state and as far back as one likes.

import type { StatementAnswer, StatementLine } from '../../../contract/usage.ts';
import { failureOf, isAbort } from '../../api/api-error.ts';
import { h, on } from '../../dom/element.ts';
import { money } from '../../format/money.ts';
import { clock, day } from '../../format/time.ts';
import { badge, type Tone } from '../../parts/badge.ts';
import { copyable } from '../../parts/copy.ts';
import { empty } from '../../parts/empty.ts';
import { errorPanel } from '../../parts/error-panel.ts';
import { segmented } from '../../parts/segmented.ts';
import { table } from '../../parts/table.ts';

const STATES: Readonly<Record<StatementLine['state'], readonly [text: string, tone: Tone]>> = {
  reserved: ['reserved', 'accent'],
  served: ['served', 'accent'],
  settled: ['settled', 'good'],
  released: ['released', 'quiet'],
  unknown: ['unknown', 'warn'],
};

/** What may be looked at. */
const FILTERS: Readonly<Record<string, { readonly text: string; readonly has: (state: StatementLine['state']) => boolean }>> = {
  all: { text: 'All', has: () => true },
  open: { text: 'Open', has: (state) => state === 'reserved' || state === 'served' },
  unknown: { text: 'Unknown', has: (state) => state === 'unknown' },
  settled: { text: 'Settled', has: (state) => state === 'settled' },
  released: { text: 'Released', has: (state) => state === 'released' },
};

/** Entries at a time. */
const SHOWN = 25;

/** A list that keeps what was chosen and how far back it goes. @param load the page of entries before a place */
export function createEntries(load: (before: number) => Promise<StatementAnswer>): { show(latest: StatementAnswer): HTMLElement } {
  let filter = 'all';
  let older: readonly StatementLine[] = [];
  let next: number | undefined;
  let shown = SHOWN;
  return {
    show(latest) {
      const oldest = latest.lines.at(-1)?.seq ?? 0;
      if (older.length === 0) next = latest.next;
      const place = h('div', { class: 'stack-small' });
      const all = (): readonly StatementLine[] => [...latest.lines, ...older.filter(({ seq }) => seq < oldest)];
      const more = on(h('button', { type: 'button' }, 'Show more'), 'click', () => void goBack());
      const draw = (): void => {
        const fitting = all().filter(({ state }) => FILTERS[filter].has(state));
        more.hidden = fitting.length <= shown && next === undefined;
        place.replaceChildren(
          fitting.length === 0
            ? empty('No such entries', 'Among those that were loaded.')
            : entryTable(fitting.slice(0, shown), latest.currency),
          more,
        );
      };
      const goBack = async (): Promise<void> => {
        shown += SHOWN;
        try {
          if (next !== undefined) {
            const page = await load(next);
            older = [...older, ...page.lines];
            next = page.next;
          }
          draw();
        } catch (thrown) {
          if (!isAbort(thrown)) place.append(errorPanel(failureOf(thrown)));
        }
      };
      draw();
      const choices = Object.entries(FILTERS).map(([value, { text }]) => ({ value, text }));
      const changed = (value: string): void => {
        filter = value;
        draw();
      };
      return h('div', { class: 'stack-small' }, segmented({ id: 'entry-state', label: 'State', choices, chosen: filter, changed }), place);
    },
  };
}

function entryTable(lines: readonly StatementLine[], currency: string): HTMLElement {
  return table({
    caption: 'Entries, latest first',
    captionHidden: true,
    columns: [
      { name: '#', cell: ({ seq }) => String(seq) },
      { name: 'Time', cell: ({ at_ms: ms }) => `${day(ms)}, ${clock(ms)}` },
      { name: 'What', cell: ({ operation, usage }) => (usage === undefined ? operation : `${operation}, ${usage.tokens} tokens`) },
      { name: 'State', cell: ({ state }) => badge(...STATES[state]) },
      { name: 'Held', cell: ({ held_micros: micros }) => money(micros, currency), numeric: true },
      { name: 'Charged', cell: ({ charged_micros: micros }) => money(micros, currency), numeric: true },
      { name: 'Request', cell: ({ request }) => copyable(request, `request id ${request}`, `${request.slice(0, 8)}…`) },
    ],
    rows: lines,
  });
}
