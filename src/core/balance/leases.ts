// Counts what is under way, and forgets what never reports back: a runtime may drop a request whose caller has gone away without running
// another line of its code, and a count that relied on the end of every request would grow for ever.

/** Things under way. */
export interface Leases {
  /** Takes a place that ends by itself at `untilMs`; the returned function gives it back, once. */
  take(nowMs: number, untilMs: number): () => void;
  /** Places that are taken. */
  count(nowMs: number): number;
  /** Milliseconds since the oldest of them was taken; 0 when there is none. */
  ageMs(nowMs: number): number;
}

/**
 * No places taken.
 *
 * Leases are taken in about the order in which they end, so that only the oldest are looked at.
 * Cost: O(1) amortised
 */
export function createLeases(): Leases {
  const taken = new Map<symbol, { sinceMs: number; untilMs: number }>();
  const forget = (nowMs: number): void => {
    for (const [lease, { untilMs }] of taken) {
      if (untilMs > nowMs) break;
      taken.delete(lease);
    }
  };
  return {
    take(nowMs, untilMs) {
      const lease = Symbol('lease');
      taken.set(lease, { sinceMs: nowMs, untilMs });
      return () => void taken.delete(lease);
    },
    count(nowMs) {
      forget(nowMs);
      return taken.size;
    },
    ageMs(nowMs) {
      forget(nowMs);
      for (const { sinceMs } of taken.values()) return nowMs - sinceMs;
      return 0;
    },
  };
}
