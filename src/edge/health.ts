// Passive health of endpoints as this isolate has seen it: no probes, only the outcome of real requests. Isolates learn separately.

/** A failure that leaves no doubt marks an endpoint down at once; of the other kind it takes this many in a row. */
const DOUBTFUL_FAILURES = 3;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;

/** What this isolate knows about its endpoints. Times are milliseconds of the caller's clock. */
export interface Health {
  /** Whether a request may be sent: the endpoint is up, or its backoff is over and it is due a trial. */
  admits(id: string, nowMs: number): boolean;
  /** Notes that a request is being sent. A trial holds others back for another backoff, so that one request tests and not a crowd. */
  sent(id: string, nowMs: number): void;
  succeeded(id: string): void;
  /**
   * @param certain the endpoint was not reached, or said that it cannot serve; an error that this one request may have caused is not
   */
  failed(id: string, nowMs: number, certain: boolean): void;
  /** Milliseconds until the first of these endpoints admits a request; 0 when one does now or none is named. */
  waitMs(ids: readonly string[], nowMs: number): number;
}

interface State {
  failures: number;
  /** Undefined while up. */
  downUntilMs: number | undefined;
  backoffMs: number;
  /** A trial is under way. */
  trial: boolean;
}

/** A memory in which every endpoint is up. */
export function createHealth(): Health {
  const states = new Map<string, State>();
  const waitOf = (id: string, nowMs: number): number => Math.max(0, (states.get(id)?.downUntilMs ?? nowMs) - nowMs);
  return {
    admits: (id, nowMs) => waitOf(id, nowMs) === 0,
    sent(id, nowMs) {
      const state = states.get(id);
      if (state?.downUntilMs === undefined) return;
      state.trial = true;
      state.downUntilMs = nowMs + state.backoffMs;
    },
    succeeded: (id) => void states.delete(id),
    failed(id, nowMs, certain) {
      const state = states.get(id) ?? { failures: 0, downUntilMs: undefined, backoffMs: FIRST_BACKOFF_MS / 2, trial: false };
      states.set(id, state);
      // Requests that were under way when it went down say nothing new.
      if (state.downUntilMs !== undefined && !state.trial) return;
      state.failures += 1;
      if (!certain && !state.trial && state.failures < DOUBTFUL_FAILURES) return;
      state.trial = false;
      state.backoffMs = Math.min(LONGEST_BACKOFF_MS, state.backoffMs * 2);
      state.downUntilMs = nowMs + state.backoffMs;
    },
    waitMs: (ids, nowMs) => (ids.length === 0 ? 0 : Math.min(...ids.map((id) => waitOf(id, nowMs)))),
  };
}
