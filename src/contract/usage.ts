// What an account is told about its ledger.

import * as z from 'zod/mini';
import { ConfigId, Count, Name } from './names.ts';

/** Answer of `GET /v1/usage`: amounts in micro-units of `currency`. */
export const UsageAnswer = z.strictObject({
  account: z.string(),
  currency: z.string(),
  balance_micros: Count,
  /** Part of the balance that is set aside for requests under way. */
  held_micros: Count,
  /** Charged or held in this calendar day and month (UTC), and ever: by the account, and by each of its keys. */
  spent: z.record(z.string(), z.strictObject({ day_micros: Count, month_micros: Count, ever_micros: Count })),
});
export type UsageAnswer = z.infer<typeof UsageAnswer>;

/** One line of a statement. */
export const StatementLine = z.strictObject({
  seq: Count,
  key: z.string(),
  request: z.string(),
  operation: z.string(),
  state: z.enum(['reserved', 'served', 'settled', 'released', 'unknown']),
  held_micros: Count,
  charged_micros: Count,
  at_ms: Count,
  usage: z.optional(
    z.strictObject({ answers: Count, tokens: Count, configs: z.readonly(z.array(ConfigId)), experts: z.readonly(z.array(Name)) }),
  ),
});
export type StatementLine = z.infer<typeof StatementLine>;

/**
 * Answer of `GET /v1/statement?after=&limit=`: lines in order; `next` is the `after` of the next page. With `before=` the latest line comes first, and
 * `next` is the `before` of the next page.
 */
export const StatementAnswer = z.strictObject({
  account: z.string(),
  currency: z.string(),
  lines: z.array(StatementLine),
  next: z.optional(Count),
});
export type StatementAnswer = z.infer<typeof StatementAnswer>;
