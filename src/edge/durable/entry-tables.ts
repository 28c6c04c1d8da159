// An account's ledger in the SQLite of its Durable Object. Rows written are what a Durable Object costs most: opening an entry writes one (two
// with an idempotency key: the index), settling one.

import type { Entry, EntryUsage } from '../../core/ledger/entry.ts';
import type { Checkpoint, LedgerStore } from '../../core/ledger/ledger.ts';
import type { Standing } from '../../core/ledger/reconcile.ts';

/** Tables of a ledger. */
export const ENTRY_TABLES = [
  `CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL, idempotency TEXT, body_hash TEXT NOT NULL, state TEXT NOT NULL, held INTEGER NOT NULL,
    charged INTEGER NOT NULL, opened_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, request TEXT NOT NULL, operation TEXT NOT NULL, usage TEXT
  )`,
  'CREATE UNIQUE INDEX entries_by_idempotency ON entries (key, idempotency) WHERE idempotency IS NOT NULL',
  'CREATE TABLE credits (id TEXT PRIMARY KEY, micros INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID',
] as const;

/** Where the checkpoint lies among the object's key-value pairs. */
const CHECKPOINT = 'checkpoint';

type Row = Omit<Entry, 'idempotency' | 'usage'> & { readonly idempotency: string | null; readonly usage: string | null };

const COLUMNS =
  'seq, key, idempotency, body_hash AS bodyHash, state, held, charged, opened_ms AS openedMs, changed_ms AS changedMs, request, operation, usage';

/** Sums that the tables add up to. */
type EntrySums = Pick<Standing, 'paidIn' | 'chargedByEntries' | 'heldByEntries'>;

/** The store over a Durable Object's storage, whose tables exist. */
export function createEntryStore(storage: DurableObjectStorage): LedgerStore & {
  sums(): EntrySums;
  /** Up to `limit` entries before a place, latest first. */
  before(seq: number, limit: number): readonly Entry[];
} {
  const { sql } = storage;
  const select = (where: string, ...values: readonly (string | number)[]): readonly Entry[] =>
    sql
      .exec<Row>(`SELECT ${COLUMNS} FROM entries WHERE ${where}`, ...values)
      .toArray()
      .map(toEntry);
  return {
    transaction: (work) => storage.transactionSync(work),
    checkpoint: () => storage.kv.get<Checkpoint>(CHECKPOINT),
    saveCheckpoint: (checkpoint) => storage.kv.put(CHECKPOINT, checkpoint),
    insert(entry) {
      const { seq, key, idempotency, bodyHash, state, held, charged, openedMs, changedMs, request, operation } = entry;
      sql.exec(
        'INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        seq,
        key,
        idempotency ?? null,
        bodyHash,
        state,
        held,
        charged,
        openedMs,
        changedMs,
        request,
        operation,
        usageText(entry),
      );
    },
    update(entry) {
      const { seq, idempotency, state, charged, changedMs } = entry;
      // An index is written only when its column changes.
      sql.exec(
        'UPDATE entries SET state = ?, charged = ?, changed_ms = ?, usage = ? WHERE seq = ?',
        state,
        charged,
        changedMs,
        usageText(entry),
        seq,
      );
      if (idempotency === undefined) sql.exec('UPDATE entries SET idempotency = NULL WHERE seq = ? AND idempotency IS NOT NULL', seq);
    },
    bySeq: (seq) => select('seq = ?', seq)[0],
    byIdempotency: (key, idempotency) => select('key = ? AND idempotency = ?', key, idempotency)[0],
    after: (seq, limit) => select('seq > ? ORDER BY seq LIMIT ?', seq, limit),
    before: (seq, limit) => select('seq < ? ORDER BY seq DESC LIMIT ?', seq, limit),
    sums: () =>
      sql
        .exec<{ paidIn: number; chargedByEntries: number; heldByEntries: number }>(
          `SELECT (SELECT COALESCE(SUM(micros), 0) FROM credits) AS paidIn,
            COALESCE(SUM(CASE WHEN state = 'settled' THEN charged END), 0) AS chargedByEntries,
            COALESCE(SUM(CASE WHEN state IN ('reserved', 'served', 'unknown') THEN held END), 0) AS heldByEntries FROM entries`,
        )
        .one(),
    insertCredit: ({ id, micros, atMs }) => sql.exec('INSERT OR IGNORE INTO credits VALUES (?, ?, ?)', id, micros, atMs).rowsWritten > 0,
  };
}

function usageText({ usage }: Entry): string | null {
  return usage === undefined ? null : JSON.stringify(usage);
}

function toEntry({ idempotency, usage, ...row }: Row): Entry {
  return { ...row, idempotency: idempotency ?? undefined, usage: usage === null ? undefined : readUsage(usage) };
}

/** What `usageText` wrote; the object is the only writer of its tables. */
function readUsage(text: string): EntryUsage {
  return JSON.parse(text);
}
