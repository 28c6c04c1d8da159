// What it costs a request to be watched: the events of one charged prediction through the sinks of a deployment, without the edge around them.

import { createObservation, type ObservationOptions } from '../../src/edge/observe/observation.ts';
import { localMetrics } from '../../src/edge/observe/metrics-port.ts';
import { randomHex } from '../../src/edge/observe/random-hex.ts';

const REQUESTS = 20_000;
const ROUNDS = 5;

const QUIET: ObservationOptions = {
  metrics: localMetrics(Date.now),
  traces: undefined,
  write: () => undefined,
  level: 'warn',
  analytics: undefined,
  now: Date.now,
  newId: () => 'isolate',
  randomHex,
  sleep: () => new Promise(() => undefined),
  keepAlive: () => undefined,
};
const TRACES = { send: async () => 200, resource: {}, sampleRatio: 1, queue: 2_048, batch: 256, everyMs: 5_000 };

const CASES: Readonly<Record<string, ObservationOptions>> = {
  'metrics, no line': QUIET,
  'and a line': { ...QUIET, level: 'info' },
  'and every trace recorded, and a point': { ...QUIET, level: 'info', traces: TRACES, analytics: { writeDataPoint: () => undefined } },
};

for (const [name, options] of Object.entries(CASES)) {
  const { observer } = createObservation(options);
  const once = (): void => {
    const trip = observer.begin('id', undefined);
    const config = '0123456789abcdef';
    const time = { startMs: 1, ms: 1 };
    trip.note({ kind: 'ledger', step: 'reserve', outcome: 'opened', micros: 16, ...time });
    trip.note({ kind: 'routed', config, by: 'edge', abstained: false, experts: 2, ...time });
    const attempt = { spanId: trip.newSpanId(), url: 'http://all.test', purpose: 'first', outcome: 'good', code: undefined } as const;
    trip.note({ kind: 'attempt', config, endpoint: 'all', ...attempt, ...time });
    trip.note({ kind: 'answered', config, endpoint: 'all', tokens: 7, cached: false, ...time });
    trip.note({ kind: 'ledger', step: 'settle', outcome: 'settled', micros: 16, ...time });
    trip.note({ kind: 'request', method: 'POST', route: '/v1/predict', status: 200, code: undefined, colo: '', ...time });
  };
  let bestMs = Infinity;
  for (let round = 0; round <= ROUNDS; round++) {
    const startMs = performance.now();
    for (let i = 0; i < REQUESTS; i++) once();
    // The first round warms up.
    if (round > 0) bestMs = Math.min(bestMs, performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  console.log(`${name}: ${((1000 * bestMs) / REQUESTS).toFixed(1)} µs a request`);
}
