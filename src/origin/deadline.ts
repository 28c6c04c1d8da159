// The caller's remaining time as a point of our clock. Durations travel, not times: two machines' clocks need not agree.

import { TwinrouteError } from '../core/errors.ts';
import { DEADLINE_HEADER } from '../contract/oip.ts';

/**
 * The time after which no answer is wanted: now plus the budget, never more than `maxMs` away.
 * @param budget the header's value
 * @throws {TwinrouteError} `invalid_request` when it is not a whole number of milliseconds, `timeout` when it is 0
 */
export function deadlineOf(budget: string | undefined, nowMs: number, maxMs: number): number {
  if (budget === undefined) return nowMs + maxMs;
  if (!/^\d{1,15}$/.test(budget)) {
    throw new TwinrouteError(
      'invalid_request',
      `${DEADLINE_HEADER}: expected a whole number of milliseconds, got "${budget.slice(0, 40)}"`,
      { param: DEADLINE_HEADER },
    );
  }
  if (Number(budget) === 0) throw new TwinrouteError('timeout', `${DEADLINE_HEADER}: no time was left on arrival`);
  return nowMs + Math.min(Number(budget), maxMs);
}
