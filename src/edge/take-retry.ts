// A place in the retry budget. When an endpoint dies, all that it was asked comes back at once, and there may be fewer places than requests: those wait in
// line, so that each is answered elsewhere and no more than the budget's share of them at a time.

import type { RetryBudget } from '../core/balance/retry-budget.ts';

/** Longest wait, and between two looks, milliseconds. */
const PATIENCE_MS = 1_000;
const LOOK_MS = 10;

/** Who wants a retry. */
export interface RetryWish {
  readonly now: () => number;
  /** When its caller stops waiting. */
  readonly deadlineMs: number;
  /** Aborted when the caller does not wait any longer. */
  readonly given?: AbortSignal | undefined;
  /** Whether it waits in line. */
  readonly patient: boolean;
}

/** Takes a place, or undefined when there is none, or none in time; the returned function gives it back. */
export async function takeRetry(budget: RetryBudget, { now, deadlineMs, given, patient }: RetryWish): Promise<(() => void) | undefined> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const nowMs = now();
    if (nowMs >= deadlineMs || given?.aborted === true) return undefined;
    const release = budget.take(nowMs, deadlineMs);
    if (release !== undefined || !patient || waitedMs >= PATIENCE_MS || budget.places(nowMs) === 0) return release;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
