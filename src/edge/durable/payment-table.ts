// A payer's payments in the SQLite of its Durable Object. A row is never deleted: it is what keeps a signature from paying twice.

import type { PaymentPayload, PaymentRequirements, SettleAnswer } from '../../contract/x402.ts';
import type { EntryUsage } from '../../core/ledger/entry.ts';
import type { Payment } from '../../core/payment/payment.ts';
import type { PaymentProof } from '../x402/port.ts';

/** Tables of a payer. */
export const PAYMENT_TABLES = [
  `CREATE TABLE payments (
    seq INTEGER PRIMARY KEY, nonce TEXT NOT NULL UNIQUE, identifier TEXT UNIQUE, due_ms INTEGER, row TEXT NOT NULL
  )`,
  'CREATE INDEX payments_by_due ON payments (due_ms) WHERE due_ms IS NOT NULL',
  'CREATE TABLE answers (seq INTEGER PRIMARY KEY, answer TEXT NOT NULL, until_ms INTEGER NOT NULL)',
] as const;

/** One payment with all that is kept of it. */
export interface PaymentRow extends Payment, PaymentProof {
  readonly seq: number;
  readonly payment: PaymentPayload;
  readonly requirements: PaymentRequirements;
  readonly leaseMs: number;
  readonly untilMs: number;
  readonly request: string;
  readonly operation: string;
  /** Set once it was served. */
  readonly micros?: number;
  readonly amount?: string;
  readonly usage?: EntryUsage;
  /** What the facilitator said at last, where it was clear. */
  readonly receipt?: SettleAnswer;
  /** Whether the payer's account has it, where there are accounts. */
  readonly booked?: boolean;
}

/** Payments of one payer. */
export interface PaymentStore {
  byNonce(nonce: string): PaymentRow | undefined;
  byIdentifier(identifier: string): PaymentRow | undefined;
  /** A place that no payment had. */
  nextSeq(): number;
  /**
   * Writes a payment, new or known by its `seq`.
   * @param dueMs when to look at it again, in milliseconds since 1970; Infinity for never
   */
  write(row: PaymentRow, dueMs: number): void;
  due(nowMs: number, limit: number): readonly PaymentRow[];
  /** When the next is due; Infinity when none is. */
  nextDueMs(): number;
}

/** The store over a Durable Object's storage, whose tables exist. */
export function createPaymentStore({ sql }: DurableObjectStorage): PaymentStore {
  const select = (where: string, ...values: readonly (string | number)[]): readonly PaymentRow[] =>
    sql
      .exec<{ row: string }>(`SELECT row FROM payments WHERE ${where}`, ...values)
      .toArray()
      .map(({ row }) => readRow(row));
  return {
    byNonce: (nonce) => select('nonce = ?', nonce)[0],
    byIdentifier: (identifier) => select('identifier = ?', identifier)[0],
    nextSeq: () => sql.exec<{ seq: number }>('SELECT COALESCE(MAX(seq), 0) + 1 AS seq FROM payments').one().seq,
    write(row, dueMs) {
      const due = Number.isFinite(dueMs) ? dueMs : null;
      sql.exec(
        `INSERT INTO payments VALUES (?, ?, ?, ?, ?) ON CONFLICT (seq) DO UPDATE SET
          identifier = excluded.identifier, due_ms = excluded.due_ms, row = excluded.row`,
        row.seq,
        row.nonce,
        row.identifier ?? null,
        due,
        JSON.stringify(row),
      );
    },
    due: (nowMs, limit) => select('due_ms <= ? ORDER BY due_ms LIMIT ?', nowMs, limit),
    nextDueMs: () => sql.exec<{ due: number | null }>('SELECT MIN(due_ms) AS due FROM payments').one().due ?? Infinity,
  };
}

/** What `write` wrote; the object is the only writer of its table. */
function readRow(text: string): PaymentRow {
  return JSON.parse(text);
}
