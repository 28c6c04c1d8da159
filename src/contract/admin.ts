// Answers of the admin API.

import * as z from 'zod/mini';
import { AccountRecord, KeyRecord } from './accounts.ts';
import { Count } from './names.ts';

/** Answer of `GET /admin/v1/accounts`: a page in the order of ids; the last one's id is the next `after`. */
export const AccountsAnswer = z.strictObject({
  accounts: z.array(z.strictObject({ id: z.string(), name: z.string(), created_ms: Count })),
});
export type AccountsAnswer = z.infer<typeof AccountsAnswer>;

/** Answer of `GET /admin/v1/accounts/{account}`: amounts in micro-units of `currency`. */
export const AccountAnswer = z.extend(AccountRecord, { balance_micros: Count, held_micros: Count, currency: z.string() });
export type AccountAnswer = z.infer<typeof AccountAnswer>;

/** Answer of `POST …/credits`: `added` is false for a payment that was there already. */
export const CreditAnswer = z.strictObject({ id: z.string(), added: z.boolean(), balance_micros: Count });

/** A key without its secrets. */
export const KeyAnswer = z.extend(z.omit(KeyRecord, { secrets: true }), {
  /** Until when the secret before the newest one stays good. */
  old_secret_until_ms: z.optional(Count),
});
export type KeyAnswer = z.infer<typeof KeyAnswer>;

/** Answer of `GET …/keys`, oldest first. */
export const KeysAnswer = z.strictObject({ keys: z.array(KeyAnswer) });

/** A key with its text, which is shown this once. */
export const IssuedKeyAnswer = z.extend(KeyAnswer, { key: z.string() });
export type IssuedKeyAnswer = z.infer<typeof IssuedKeyAnswer>;

/** What ledgers were compared with, of origins. */
export const ReceiptsCompared = z.strictObject({
  hours: Count,
  /** Charged entries whose receipts were looked for. */
  charged: Count,
  /** Each origin's book: its receipts of the time, since when it is complete, or why it was not got. What only such a book could tell is no finding. */
  books: z.array(z.strictObject({ endpoint: z.string(), receipts: Count, from_ms: z.optional(Count), problem: z.optional(z.string()) })),
  /** Receipts that nobody paid for, by the reason; see docs/billing.md. */
  uncharged: z.strictObject({ shadow: Count, released: Count, open: Count, repeated: Count, other: Count }),
});

/** Answer of `GET /admin/v1/reconcile`: no findings when ledgers, sums, published usage and origins' receipts agree. */
export const ReconcileAnswer = z.strictObject({
  accounts: Count,
  /** Absent where edge and origins do not sign, or nobody asked. */
  receipts: z.optional(ReceiptsCompared),
  findings: z.array(
    z.strictObject({
      account: z.string(),
      kind: z.enum(['missing', 'extra', 'different', 'balance', 'held', 'unreceipted', 'receipt', 'usage', 'reused']),
      seq: z.optional(Count),
      expected: z.optional(z.int()),
      got: z.optional(z.int()),
    }),
  ),
});
export type ReconcileAnswer = z.infer<typeof ReconcileAnswer>;
