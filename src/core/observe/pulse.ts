// Work that is due a while after something happened, once for all that happens until then.

/** What waiting needs. */
export interface PulseDeps {
  readonly everyMs: number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Keeps work running after the request that began it. */
  readonly keepAlive: (work: Promise<unknown>) => void;
}

/** A function to call whenever something happened; `beat`, which never rejects, runs at most `everyMs` later. */
export function createPulse({ everyMs, now, sleep, keepAlive }: PulseDeps, beat: () => Promise<void>): () => void {
  let waitingMs: number | undefined;
  return () => {
    const nowMs = now();
    // A wait whose request was cut short never ends.
    if (waitingMs !== undefined && nowMs - waitingMs < 3 * everyMs) return;
    waitingMs = nowMs;
    keepAlive(
      sleep(everyMs).then(() => {
        waitingMs = undefined;
        return beat();
      }),
    );
  };
}
