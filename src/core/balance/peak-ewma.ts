// How long an endpoint takes: an average that jumps up with every slow answer and comes down slowly, so that trouble shows at once.

/** Time in which an old answer loses all but 1/e of its weight. */
const TAU_MS = 10_000;

/** A latency estimate. */
export interface PeakEwma {
  /** An answer that took `tookMs`. */
  observe(tookMs: number, nowMs: number): void;
  /** An answer that was given up after `elapsedMs`: it would have taken longer, and is believed to have taken twice as long. */
  observeAtLeast(elapsedMs: number, nowMs: number): void;
  /**
   * Milliseconds.
   * @param priorMs what is believed without any answer; an estimate that is not renewed drifts back to it, so that an endpoint that was
   *   slow once is tried again
   */
  estimate(nowMs: number, priorMs: number): number;
}

/**
 * An estimate without an answer.
 * Source: peak EWMA of Finagle's load balancer; the drift to a prior instead of to 0 is ours
 */
export function createPeakEwma(): PeakEwma {
  let valueMs: number | undefined;
  let stampMs = 0;
  const observe = (tookMs: number, nowMs: number): void => {
    const kept = Math.exp(-Math.max(0, nowMs - stampMs) / TAU_MS);
    valueMs = valueMs === undefined || tookMs > valueMs ? tookMs : tookMs + (valueMs - tookMs) * kept;
    stampMs = nowMs;
  };
  return {
    observe,
    observeAtLeast(elapsedMs, nowMs) {
      if (valueMs === undefined || elapsedMs > valueMs) observe(2 * elapsedMs, nowMs);
    },
    estimate(nowMs, priorMs) {
      if (valueMs === undefined) return priorMs;
      return priorMs + (valueMs - priorMs) * Math.exp(-Math.max(0, nowMs - stampMs) / TAU_MS);
    },
  };
}
