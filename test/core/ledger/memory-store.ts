// A ledger's store in memory, with transactions that can fail in the middle.

import type { Entry } from '../../../src/core/ledger/entry.ts';
import type { Checkpoint, Credit, LedgerStore } from '../../../src/core/ledger/ledger.ts';

export interface MemoryStore extends LedgerStore {
  readonly entries: Map<number, Entry>;
  readonly credits: Map<string, Credit>;
  /** Lets that many more writes through, then throws once. */
  failAfter(writes: number): void;
  /** Rows written so far, indices included. */
  rows(): number;
}

export function createMemoryStore(): MemoryStore {
  let entries = new Map<number, Entry>();
  let byName = new Map<string, number>();
  let credits = new Map<string, Credit>();
  let checkpoint: Checkpoint | undefined;
  let room = Infinity;
  let rows = 0;
  const undo: (() => void)[] = [];
  const nameOf = ({ key, idempotency }: Entry): string | undefined => (idempotency === undefined ? undefined : `${key} ${idempotency}`);
  const written = (back: () => void): void => {
    if (room === 0) {
      room = Infinity;
      throw new Error('the store failed');
    }
    room -= 1;
    rows += 1;
    undo.push(back);
  };
  const put = (entry: Entry): void => {
    const before = entries.get(entry.seq);
    const oldName = before && nameOf(before);
    const name = nameOf(entry);
    if (name !== undefined && (byName.get(name) ?? entry.seq) !== entry.seq) throw new Error(`two entries named ${name}`);
    written(() => {
      if (before === undefined) entries.delete(entry.seq);
      else entries.set(entry.seq, before);
      if (name !== undefined) byName.delete(name);
      if (oldName !== undefined) byName.set(oldName, entry.seq);
    });
    entries.set(entry.seq, entry);
    if (oldName !== undefined) byName.delete(oldName);
    if (name !== undefined) byName.set(name, entry.seq);
  };
  return {
    get entries() {
      return entries;
    },
    get credits() {
      return credits;
    },
    failAfter(writes) {
      room = writes;
    },
    rows: () => rows,
    transaction(work) {
      undo.length = 0;
      try {
        return work();
      } catch (cause) {
        for (const back of undo.reverse()) back();
        throw cause;
      }
    },
    checkpoint: () => checkpoint,
    saveCheckpoint(next) {
      const before = checkpoint;
      written(() => (checkpoint = before));
      checkpoint = next;
    },
    insert: put,
    update: put,
    bySeq: (seq) => entries.get(seq),
    byIdempotency(key, idempotency) {
      const seq = byName.get(`${key} ${idempotency}`);
      return seq === undefined ? undefined : entries.get(seq);
    },
    after(seq, limit) {
      const page: Entry[] = [];
      for (let next = seq + 1; page.length < limit; next++) {
        const entry = entries.get(next);
        if (entry === undefined) break;
        page.push(entry);
      }
      return page;
    },
    insertCredit(credit) {
      if (credits.has(credit.id)) return false;
      written(() => credits.delete(credit.id));
      credits.set(credit.id, credit);
      return true;
    },
  };
}
