import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { Experiment } from '../../../src/contract/experiments.ts';
import { ExperimentHistory, HISTORY_POINTS, type ExperimentReport } from '../../../src/contract/experiment-report.ts';
import { parseWith } from '../../../src/contract/parse.ts';
import { noteHistory, readHistory } from '../../../src/edge/durable/experiment-history.ts';

const EXPERIMENT = parseWith(
  Experiment,
  {
    key: 'ranks',
    arms: [
      { name: 'old', config: '0123456789abcdef', weight: 0.5 },
      { name: 'new', config: 'fedcba9876543210', weight: 0.5 },
    ],
  },
  'experiment',
  'config',
);
let objects = 0;
const open = () => env.EXPERIMENT_STATES.getByName(`history-${objects++}`);
const seen = (i: number) => ({
  id: `r${i}`,
  tenant: 'ada',
  unit: `u${i}`,
  arm: i % 2,
  answered: { latency_ms: 10 + i, confidence: 0.9, abstained: false },
});

test('what is recorded leaves a point at once, and none for every batch', async () => {
  const state = open();
  for (let i = 0; i < 6; i++) await state.record(EXPERIMENT, { id: `b${i}`, observations: [seen(2 * i), seen(2 * i + 1)], shadows: [] });
  const { points, design } = parseWith(ExperimentHistory, await state.history(EXPERIMENT, 'ranks.1'), 'history', 'internal');
  expect(design).toBe('ranks.1');
  expect(points).toHaveLength(1);
  expect(points[0]?.arms.map(({ name, exposures }) => ({ name, exposures }))).toEqual([
    { name: 'old', exposures: 1 },
    { name: 'new', exposures: 1 },
  ]);
  expect(points[0]?.differences.map(({ arm, metric }) => `${arm} ${metric}`)).toContain('new latency_ms');
});

test.each([63, 64, 65, 1_000, 20_000])('%d looks, ten seconds apart, are told by few points that are spread evenly', async (looks) => {
  const state = open();
  const report: ExperimentReport = await state.report(EXPERIMENT, '');
  const times = await runInDurableObject(state, (_, { storage }) => {
    for (let i = 0; i < looks; i++) noteHistory(storage, 1e12 + 10_000 * i, () => report);
    return readHistory(storage.sql).map(({ time }) => Date.parse(time) - 1e12);
  });
  expect(times.length).toBeLessThanOrEqual(HISTORY_POINTS);
  expect(times.length).toBeGreaterThanOrEqual(Math.min(looks, HISTORY_POINTS / 2));
  expect(times[0]).toBe(0);
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * Math.min(...gaps));
  // The latest is no older than the distance between points.
  expect(10_000 * (looks - 1) - (times.at(-1) ?? 0)).toBeLessThanOrEqual(Math.max(...gaps));
});
