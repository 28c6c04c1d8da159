// Observation without a deployment around it: in one process, and in tests.

import { createObserver, type Sink } from './observer.ts';
import type { Observation } from './observation.ts';
import { randomHex } from './random-hex.ts';

/** Tells `sinks`; counts nothing, records no trace. */
export function plainObservation(sinks: readonly Sink[], now: () => number): Observation {
  return {
    observer: createObserver({ sinks, sampleRatio: 0, now, randomHex }),
    watch: () => undefined,
    readMetrics: async () => [],
    flush: async () => undefined,
  };
}
