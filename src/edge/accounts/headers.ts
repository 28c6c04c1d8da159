// Headers of metered requests and their answers.

import type { Context } from 'hono';
import type { RateStanding } from '../../core/ledger/limits.ts';
import type { EdgeTypes } from '../types.ts';

/** Header by which a caller names a request, so that it can be repeated safely. */
export const IDEMPOTENCY_HEADER = 'idempotency-key';

/**
 * Sets where the key stands against its rate, if it has one: in the words of OpenAI's clients, and as structured fields.
 * Source: draft-ietf-httpapi-ratelimit-headers-10
 */
export function setRateHeaders(c: Context<EdgeTypes>, rate: RateStanding | undefined): void {
  if (rate === undefined) return;
  c.header('x-ratelimit-limit-requests', String(rate.limit));
  c.header('x-ratelimit-remaining-requests', String(rate.remaining));
  const seconds = Math.ceil(rate.resetMs / 1000);
  c.header('x-ratelimit-reset-requests', `${seconds}s`);
  c.header('ratelimit-policy', `"key";q=${rate.limit};w=60`);
  c.header('ratelimit', `"key";r=${rate.remaining};t=${seconds}`);
}

/** Sets what the request cost and the credit that is left. */
export function setCostHeaders(c: Context<EdgeTypes>, micros: number, available: number, currency: string): void {
  c.header('x-usage-micros', String(micros));
  c.header('x-usage-currency', currency);
  c.header('x-balance-micros', String(available));
}
