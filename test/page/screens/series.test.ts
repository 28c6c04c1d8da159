import { expect, test } from 'vitest';
import type { ExperimentHistory, ExperimentReport } from '../../../src/contract/experiment-report.ts';
import { armSeries, differenceSeries } from '../../../src/page/screens/experiments/series.ts';
import { verdict } from '../../../src/page/screens/experiments/verdict.ts';
import { metricStyle } from '../../../src/page/format/metric.ts';

const interval = { estimate: 0.1, low: 0, high: 0.2 };
const arm = (name: string) => ({
  name,
  config: '0'.repeat(16),
  weight: 0.5,
  units: 1,
  exposures: 1,
  failures: 0,
  metrics: { error: { ...interval, samples: 1 } },
  latency_ms: { p50: null, p95: null, p99: null },
});
const REPORT: ExperimentReport = {
  key: 'k',
  design: 'k.1',
  status: 'running',
  coverage: 1,
  arms: [arm('old'), arm('new')],
  differences: [{ arm: 'new', metric: 'error', ...interval }],
  sample_ratio: { expected: [1, 1], observed: [1, 1], p_value: 1, sequential_p_value: 1, mismatch: false },
  guardrails: [],
  audit: [],
};
const HISTORY: ExperimentHistory = {
  key: 'k',
  design: 'k.1',
  points: [
    {
      time: '2026-11-24T00:00:00.000Z',
      arms: [{ name: 'old', exposures: 1, metrics: { error: { estimate: 0, low: null, high: null } } }],
      differences: [],
    },
  ],
};

test('the past comes first, what is known now last; an arm that was not there yet begins later', () => {
  const startMs = Date.parse('2026-11-24T00:00:00.000Z');
  expect(armSeries(REPORT, HISTORY, 'error', startMs + 1)).toEqual([
    {
      name: 'old',
      place: 0,
      points: [
        { atMs: startMs, estimate: 0, low: null, high: null },
        { atMs: startMs + 1, ...interval },
      ],
    },
    { name: 'new', place: 1, points: [{ atMs: startMs + 1, ...interval }] },
  ]);
  expect(differenceSeries(REPORT, HISTORY, 'error', 5)).toEqual([{ name: 'new', place: 1, points: [{ atMs: 5, ...interval }] }]);
  expect(armSeries(REPORT, HISTORY, 'outcome.none', 5)).toEqual([]);
});

test.each([
  [{ estimate: null, low: null, high: null }, /Nothing is known of new/],
  [{ estimate: 0.1, low: null, high: 0.2 }, /without a bound/],
  [{ estimate: 0.1, low: -0.1, high: 0.2 }, /no difference is shown yet/],
  [{ estimate: 0.1, low: 0.05, high: 0.2 }, /errors higher for sure/],
  [{ estimate: -0.1, low: -0.3, high: -0.05 }, /errors lower for sure/],
])('%j is %s', (given, said) => expect(verdict('new', 'old', given, metricStyle('error'))).toMatch(said));
