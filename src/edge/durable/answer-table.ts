// Answers that are kept for callers who repeat a request under the same idempotency key.

/** How long an answer can be had again. */
const KEPT_MS = 24 * 3_600_000;
/** Answers that are looked at for being old at once. */
const BATCH = 500;
/** Longest answer that is kept, in UTF-16 units: a row of a Durable Object holds 2 MB. */
const MAX_CHARS = 500_000;

/** Kept answers, by their entry's place in the ledger. */
export interface AnswerStore {
  /** Keeps an answer, unless it is too long. */
  keep(seq: number, answer: string, nowMs: number): void;
  read(seq: number, nowMs: number): string | undefined;
  /** Deletes some that are old. Returns when the next will be, in milliseconds since 1970; Infinity when none is left. */
  forget(nowMs: number): number;
}

/** The store over a Durable Object's storage, whose table exists. */
export function createAnswerStore({ sql }: DurableObjectStorage): AnswerStore {
  return {
    keep(seq, answer, nowMs) {
      if (answer.length <= MAX_CHARS) sql.exec('INSERT OR IGNORE INTO answers VALUES (?, ?, ?)', seq, answer, nowMs + KEPT_MS);
    },
    read(seq, nowMs) {
      return sql.exec<{ answer: string }>('SELECT answer FROM answers WHERE seq = ? AND until_ms > ?', seq, nowMs).toArray()[0]?.answer;
    },
    forget(nowMs) {
      // In the order of the ledger, which is nearly that of age: no index is needed, and none is written.
      const oldest = sql.exec<{ seq: number; untilMs: number }>('SELECT seq, until_ms AS untilMs FROM answers ORDER BY seq LIMIT ?', BATCH);
      for (const { seq, untilMs } of oldest.toArray()) {
        if (untilMs > nowMs) return untilMs;
        sql.exec('DELETE FROM answers WHERE seq = ?', seq);
      }
      return sql.exec('SELECT 1 FROM answers LIMIT 1').toArray().length > 0 ? nowMs : Infinity;
    },
  };
}
