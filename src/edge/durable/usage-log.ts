// The Durable Object that keeps what an account was charged for, as the queue delivered it: the source of exports, and a second book beside
// the ledger. An event that comes again changes nothing, whatever it says: reconciliation finds one that says something else.

import { DurableObject } from 'cloudflare:workers';
import type { UsageEvent } from '../../core/ledger/usage-event.ts';
import { migrate } from './migrate.ts';

const TABLES = ['CREATE TABLE events (seq INTEGER PRIMARY KEY, event TEXT NOT NULL)'] as const;

/** Usage of one account. */
export class UsageLog extends DurableObject {
  /** Adds events that are not there yet, all or none of them. */
  add(events: readonly UsageEvent[]): void {
    migrate(this.ctx.storage, TABLES);
    this.ctx.storage.transactionSync(() => {
      for (const event of events) this.ctx.storage.sql.exec('INSERT OR IGNORE INTO events VALUES (?, ?)', event.seq, JSON.stringify(event));
    });
  }

  /** Up to `limit` events after `seq`, in order. */
  list(seq: number, limit: number): readonly UsageEvent[] {
    migrate(this.ctx.storage, TABLES);
    const rows = this.ctx.storage.sql
      .exec<{ event: string }>('SELECT event FROM events WHERE seq > ? ORDER BY seq LIMIT ?', seq, limit)
      .toArray();
    return rows.map(({ event }) => readEvent(event));
  }
}

/** What `add` wrote; the object is the only writer of its table. */
function readEvent(text: string): UsageEvent {
  return JSON.parse(text);
}
