// What was decided, by whom and why, the latest first.

import type { AuditEntry } from '../../../contract/experiment-report.ts';
import { h } from '../../dom/element.ts';
import { moment } from '../../format/time.ts';
import { badge, type Tone } from '../../parts/badge.ts';
import { empty } from '../../parts/empty.ts';

const EVENTS: Readonly<Record<AuditEntry['event'], readonly [text: string, tone: Tone]>> = {
  published: ['published', 'accent'],
  freeze: ['frozen', 'warn'],
  rollback: ['rolled back', 'bad'],
};

/** The log. */
export function auditLog(entries: readonly AuditEntry[]): HTMLElement {
  if (entries.length === 0) return empty('No decisions yet');
  return h(
    'ol',
    { class: 'log' },
    ...entries
      .toReversed()
      .map(({ time, event, reason }) =>
        h(
          'li',
          {},
          h('time', { datetime: time, class: 'quiet' }, moment(Date.parse(time))),
          badge(...EVENTS[event]),
          h('span', {}, reason),
        ),
      ),
  );
}
