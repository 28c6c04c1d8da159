// When a caller stops waiting.

import { TwinrouteError } from '../core/errors.ts';

/** Header by which a caller lowers its deadline, in whole milliseconds. */
export const TIMEOUT_HEADER = 'x-request-timeout-ms';

/**
 * The deadline on the clock of `nowMs`.
 * @param longestMs the default; a caller cannot raise it
 * @throws {TwinrouteError} `invalid_request` when the header is not a whole number ≥ 1
 */
export function deadlineOf(headers: Headers, nowMs: number, longestMs: number): number {
  const sent = headers.get(TIMEOUT_HEADER);
  if (sent === null) return nowMs + longestMs;
  if (/^[1-9][0-9]{0,8}$/.test(sent)) return nowMs + Math.min(longestMs, Number(sent));
  throw new TwinrouteError('invalid_request', `${TIMEOUT_HEADER}: expected whole milliseconds ≥ 1, got ${sent.slice(0, 20)}`, {
    param: TIMEOUT_HEADER,
  });
}
