// What goes through the queue: it delivers at least once and in any order, so every message can be handled twice.

import type { EntryUsage } from '../../core/ledger/entry.ts';
import type { UsageEvent } from '../../core/ledger/usage-event.ts';

/** A queue takes 128 KB a message. */
const MESSAGE_CHARS = 60_000;

/** One message. */
export type UsageMessage =
  /** Charged requests, for the usage log. */
  | { readonly kind: 'usage'; readonly account: string; readonly events: readonly UsageEvent[] }
  /** A request that was answered when its account could not be reached. */
  | { readonly kind: 'settle'; readonly account: string; readonly seq: number; readonly micros: number; readonly usage: EntryUsage };

/** The events as messages that a queue takes. */
export function usageMessages(account: string, events: readonly UsageEvent[]): readonly UsageMessage[] {
  const groups: UsageEvent[][] = [];
  let room = 0;
  for (const event of events) {
    const size = JSON.stringify(event).length;
    if (size > room || groups.length === 0) {
      groups.push([]);
      room = MESSAGE_CHARS;
    }
    groups[groups.length - 1].push(event);
    room -= size;
  }
  return groups.map((group) => ({ kind: 'usage', account, events: group }));
}
