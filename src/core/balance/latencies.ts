// The last answers' times, for quantiles.

/** Answers that are kept, and that a quantile needs. */
const KEPT = 128;
const LEAST = 20;

/** Times of the last answers. */
export interface Latencies {
  add(tookMs: number): void;
  /** The time that a share `q` of the answers did not exceed, or undefined while there are fewer than 20. Cost: O(128 log 128) */
  quantile(q: number): number | undefined;
}

/** No answers yet. */
export function createLatencies(): Latencies {
  const times: number[] = [];
  let next = 0;
  return {
    add(tookMs) {
      times[next] = tookMs;
      next = (next + 1) % KEPT;
    },
    quantile(q) {
      if (times.length < LEAST) return undefined;
      const sorted = times.toSorted((a, b) => a - b);
      return sorted[Math.ceil(q * sorted.length) - 1];
    },
  };
}
