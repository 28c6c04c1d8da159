// Counts what is under way, and forgets what never reports back: a runtime may drop a request whose caller has gone away without running
// another line of its code, and a count that relied on the end of every request would grow for ever.

/** Things under way. */
export interface Leases {
  /** Takes a place that ends by itself at `untilMs`; the returned function gives it back, once. */
  take(untilMs: number): () => void;
  /** Places that are taken. */
  count(nowMs: number): number;
}

/**
 * No places taken.
 *
 * Leases are taken in about the order in which they end, so that only the oldest are looked at.
 * Cost: O(1) amortised
 */
export function createLeases(): Leases {
  const until = new Map<symbol, number>();
  return {
    take(untilMs) {
      const lease = Symbol('lease');
      until.set(lease, untilMs);
      return () => void until.delete(lease);
    },
    count(nowMs) {
      for (const [lease, endMs] of until) {
        if (endMs > nowMs) break;
        until.delete(lease);
      }
      return until.size;
    },
  };
}
