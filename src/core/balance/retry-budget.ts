// A retry budget: retries may be a share of what is under way, so that an outage is not answered with a multiple of the load.

import { createLeases } from './leases.ts';

/** How many retries are allowed at once. */
export interface RetryBudgetLimits {
  /** Of the requests under way, in [0, 1]. */
  readonly share: number;
  /** Allowed in any case, so that quiet times have retries too. */
  readonly minimum: number;
}

/** A budget. Places end by themselves at `untilMs`. */
export interface RetryBudget {
  /** A request begins; the returned function ends it. */
  enter(nowMs: number, untilMs: number): () => void;
  /** Takes a retry, or undefined when there is none left; the returned function gives it back. */
  take(nowMs: number, untilMs: number): (() => void) | undefined;
  /** Retries that may be under way now. */
  places(nowMs: number): number;
}

/**
 * A full budget.
 * Source: Envoy's retry budget (20 % of active requests, at least 3)
 */
export function createRetryBudget({ share, minimum }: RetryBudgetLimits): RetryBudget {
  const requests = createLeases();
  const retries = createLeases();
  const places = (nowMs: number): number => Math.max(minimum, Math.floor(share * requests.count(nowMs)));
  return {
    enter: (nowMs, untilMs) => requests.take(nowMs, untilMs),
    take: (nowMs, untilMs) => (retries.count(nowMs) < places(nowMs) ? retries.take(nowMs, untilMs) : undefined),
    places,
  };
}
