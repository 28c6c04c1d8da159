// A circuit breaker: closed while an endpoint answers, open after failures, and then due one trial at a time with growing pauses between.

/** A failure that leaves no doubt opens the circuit at once; of the other kind it takes this many in a row. */
const DOUBTFUL_FAILURES = 5;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;

/** One endpoint's circuit. Times are milliseconds of the caller's clock. */
export interface Breaker {
  /** Whether the last word was a failure that opened it. */
  readonly open: boolean;
  /** Milliseconds until a request may be sent: 0 while closed, and once the pause is over. */
  waitMs(nowMs: number): number;
  /** Notes that a request is being sent. A trial holds others back for another pause, so that one request tests and not a crowd. */
  sent(nowMs: number): void;
  succeeded(): void;
  /**
   * @param certain the endpoint was not reached, or said that it cannot serve; an error that this one request may have caused is not
   * @param mayOpen whether an uncertain failure may open it
   */
  failed(nowMs: number, certain: boolean, mayOpen: () => boolean): void;
  /**
   * A check outside of requests: a good one ends the pause, so that the next request is the trial; a bad one opens the circuit, or begins
   * its pause anew.
   */
  checked(ready: boolean, nowMs: number): void;
}

/** A closed circuit. */
export function createBreaker(): Breaker {
  let failures = 0;
  let openUntilMs: number | undefined;
  let backoffMs = FIRST_BACKOFF_MS / 2;
  let trial = false;
  return {
    get open() {
      return openUntilMs !== undefined;
    },
    waitMs: (nowMs) => Math.max(0, (openUntilMs ?? nowMs) - nowMs),
    sent(nowMs) {
      // A last resort is sent while the pause lasts and is no trial.
      if (openUntilMs === undefined || openUntilMs > nowMs) return;
      trial = true;
      openUntilMs = nowMs + backoffMs;
    },
    succeeded() {
      failures = 0;
      openUntilMs = undefined;
      backoffMs = FIRST_BACKOFF_MS / 2;
      trial = false;
    },
    failed(nowMs, certain, mayOpen) {
      // Requests that were under way when it opened say nothing new.
      if (openUntilMs !== undefined && !trial) return;
      failures += 1;
      if (!certain && !trial && (failures < DOUBTFUL_FAILURES || !mayOpen())) return;
      trial = false;
      backoffMs = Math.min(LONGEST_BACKOFF_MS, backoffMs * 2);
      openUntilMs = nowMs + backoffMs;
    },
    checked(ready, nowMs) {
      if (!ready) {
        backoffMs = Math.max(backoffMs, FIRST_BACKOFF_MS);
        openUntilMs = Math.max(openUntilMs ?? 0, nowMs + backoffMs);
      } else if (openUntilMs !== undefined && !trial) openUntilMs = Math.min(openUntilMs, nowMs);
    },
  };
}
