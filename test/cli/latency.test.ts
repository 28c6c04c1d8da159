import { expect, test } from 'vitest';
import { measureLatency } from '../../src/cli/report/latency.ts';

test('takes the median and the 95th percentile by nearest rank, and leaves warm-ups out', async () => {
  let runs = 0;
  let time = 0;
  const row = { ids: Int32Array.of(1, 2, 3), types: new Int32Array(3), mix: Float32Array.of(1) };
  const predictor = {
    run: () => {
      runs++;
      // Warm-ups take an hour each; the others 1, 2, … 100 ms.
      time += runs <= 10 ? 3_600_000 : runs - 10;
      return Promise.resolve([]);
    },
  };
  expect(await measureLatency(predictor, row, () => time)).toEqual({ tokens: 3, runs: 100, p50_ms: 50, p95_ms: 95 });
  expect(runs).toBe(110);
});
