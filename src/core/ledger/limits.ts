// What an account and a key may spend, and what a request is told when it would be too much.

import { spendingOf, windowAt, type Spending, type Totals } from './totals.ts';

/** Most that may be spent in a calendar period (UTC), in micro-units. */
export interface SpendLimit {
  readonly micros: number;
  readonly period: 'day' | 'month' | 'ever';
}

/** What holds for one request. */
export interface Limits {
  readonly requestsPerMinute: number | undefined;
  readonly keySpend: SpendLimit | undefined;
  readonly accountSpend: SpendLimit | undefined;
}

/** Where a key stands against its rate. */
export interface RateStanding {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until the count starts anew. */
  readonly resetMs: number;
}

/** Why a request may not be opened. */
export type LimitRefusal =
  | { readonly code: 'rate_limited'; readonly retryAfterMs: number }
  | {
      readonly code: 'payment_required';
      /** What is exhausted: prepaid credit, or a cap on spending. */
      readonly limit: 'balance' | 'key_spend_limit' | 'account_spend_limit';
      /** In micro-units. */
      readonly needed: number;
      readonly available: number;
    };

/** The key's standing; undefined where it has no rate limit. */
export function rateStanding(totals: Totals, key: string, limits: Limits, nowMs: number): RateStanding | undefined {
  const limit = limits.requestsPerMinute;
  if (limit === undefined) return undefined;
  const { minute } = spendingOf(totals, key);
  const used = minute.at === windowAt.minute(nowMs) ? minute.sum : 0;
  return { limit, remaining: Math.max(0, limit - used), resetMs: 60_000 - (nowMs % 60_000) };
}

/** The first limit that `micros` more would break, or undefined. A request that costs nothing breaks no limit on money. */
export function brokenLimit(totals: Totals, key: string, limits: Limits, micros: number, nowMs: number): LimitRefusal | undefined {
  const rate = rateStanding(totals, key, limits, nowMs);
  if (rate !== undefined && rate.remaining === 0) return { code: 'rate_limited', retryAfterMs: rate.resetMs };
  if (micros === 0) return undefined;
  const left = [
    ['key_spend_limit', limits.keySpend && limits.keySpend.micros - spent(spendingOf(totals, key), limits.keySpend.period, nowMs)],
    ['account_spend_limit', limits.accountSpend && limits.accountSpend.micros - spent(totals.account, limits.accountSpend.period, nowMs)],
    ['balance', totals.balance - totals.held],
  ] as const;
  for (const [limit, available] of left) {
    if (available !== undefined && available < micros)
      return { code: 'payment_required', limit, needed: micros, available: Math.max(0, available) };
  }
  return undefined;
}

/** What counts towards a limit now. */
export function spent(spending: Spending, period: SpendLimit['period'], nowMs: number): number {
  if (period === 'ever') return spending.ever;
  const window = spending[period];
  return window.at === windowAt[period](nowMs) ? window.sum : 0;
}
