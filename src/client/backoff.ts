// When to try again, and when never.

import { ApiError, ConnectionError } from './errors.ts';

const FIRST_MS = 250;
const LONGEST_MS = 8_000;
/** Statuses after which the same request may succeed. */
const RETRIED: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Whether the same request is worth another attempt. Every call of this client may be repeated safely: it reads, or it has a name. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  return error instanceof ApiError && (RETRIED.has(error.status) || isUnderWay(error));
}

/** The attempt before is still being worked on: its answer can be had in a moment. */
function isUnderWay({ status, details }: ApiError): boolean {
  return status === 409 && (details['state'] === 'reserved' || details['state'] === 'served');
}

/**
 * Milliseconds to wait: full jitter over a doubling range, and never less than the edge asked for.
 * @param attempt those made, from 1
 * @param random in [0, 1)
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function waitMs(attempt: number, retryAfterMs: number | undefined, random: number): number {
  const jitter = random * Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  // Callers who were all told the same moment must not all come back in it.
  return retryAfterMs === undefined ? jitter : retryAfterMs + jitter;
}

/** What a `retry-after` header asks for, in milliseconds: seconds, or a date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
