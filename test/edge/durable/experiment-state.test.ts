import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { Experiment } from '../../../src/contract/experiments.ts';
import { ExperimentReport } from '../../../src/contract/experiment-report.ts';
import { parseWith } from '../../../src/contract/parse.ts';
import type { Batch, Observation } from '../../../src/edge/experiments/state.ts';

const A = '0123456789abcdef';
const B = 'fedcba9876543210';
const experimentOf = (change: object = {}): Experiment =>
  parseWith(
    Experiment,
    {
      key: 'ranks',
      arms: [
        { name: 'old', config: A, weight: 0.5 },
        { name: 'new', config: B, weight: 0.5 },
      ],
      ...change,
    },
    'experiment',
    'config',
  );
let batches = 0;
const batchOf = (observations: readonly Observation[], shadows: Batch['shadows'] = []): Batch => ({
  id: `b${batches++}`,
  observations,
  shadows,
});
/** Request `i` of a unit of its own; `new` fails `failing` of its requests. */
const seen = (i: number, arm: Observation['arm'], failing = 0): Observation => ({
  id: `r${i}-${arm}`,
  tenant: 'ada',
  unit: `u${i}-${arm}`,
  arm,
  answered: (i % 10) / 10 < failing ? undefined : { latency_ms: 10 + (i % 7), confidence: 0.9, abstained: i % 5 === 0 },
});
const many = (count: number, arm: Observation['arm'], failing = 0): Observation[] =>
  Array.from({ length: count }, (_, i) => seen(i, arm, failing));
let objects = 0;
const open = () => env.EXPERIMENT_STATES.getByName(`test-${objects++}`);

describe('what was measured', () => {
  test('is counted by arm, survives eviction, and fits the interface', async () => {
    const experiment = experimentOf({
      holdout: { name: 'year', share: 0.1 },
      shadow: { config: B, share: 1 },
      guardrails: [{ metric: 'error' }],
    });
    const state = open();
    const shadows = [{ latency_ms: 5, agrees: true, distance: 0.1 }, { latency_ms: 5, agrees: false, distance: 0.3 }, 'failed'] as const;
    await state.record(experiment, batchOf([...many(40, 0), ...many(30, 1, 0.2), ...many(7, 'held')], shadows));
    await evictDurableObject(state);
    const report = parseWith(ExperimentReport, await state.report(experiment, 'ranks.1'), 'report', 'internal');
    expect(report).toMatchObject({
      key: 'ranks',
      design: 'ranks.1',
      status: 'running',
      coverage: 1,
      arms: [
        { name: 'old', config: A, weight: 0.5, units: 40, exposures: 40, failures: 0 },
        { name: 'new', config: B, weight: 0.5, units: 30, exposures: 24, failures: 6 },
      ],
      holdout: { units: 7, exposures: 7 },
      sample_ratio: { observed: [40, 30], expected: [35, 35], mismatch: false },
      guardrails: [{ metric: 'error', arm: 'new', state: 'waiting' }],
      shadow: { config: B, answered: 2, failures: 1, agreement: 0.5, distance: 0.2 },
      audit: [{ event: 'published', reason: 'status running, coverage 1, 1 guardrails' }],
    });
    const { error, latency_ms, confidence, abstain } = report.arms[1].metrics;
    expect(error).toMatchObject({ samples: 30, estimate: 0.2 });
    expect(abstain.samples).toBe(24);
    expect(confidence).toMatchObject({ samples: 24, estimate: expect.closeTo(0.9, 9) });
    expect(latency_ms.estimate).toBeGreaterThan(11);
    expect(report.arms[0].latency_ms.p50).toBeCloseTo(13, 0);
    expect(report.differences.map(({ arm, metric }) => `${arm} ${metric}`).sort()).toEqual([
      'new abstain',
      'new confidence',
      'new error',
      'new latency_ms',
    ]);
  });

  test('is counted once when a batch comes twice', async () => {
    const state = open();
    const batch = batchOf(many(5, 0));
    await state.record(experimentOf(), batch);
    await state.record(experimentOf(), batch);
    expect((await state.report(experimentOf(), 'd')).arms[0]).toMatchObject({ units: 5, exposures: 5 });
  });

  test('counts a unit in the arm where it was first seen', async () => {
    const state = open();
    const wanderer = { ...seen(0, 1), unit: 'u0-0' };
    await state.record(experimentOf(), batchOf([...many(3, 0), wanderer]));
    expect((await state.report(experimentOf(), 'd')).arms.map(({ units, exposures }) => [units, exposures])).toEqual([
      [3, 3],
      [0, 0],
    ]);
    expect(await state.feedback(experimentOf(), { tenant: 'ada', id: wanderer.id, name: 'x', value: 1 })).toEqual({ kind: 'unknown' });
  });
});

describe('guardrails', () => {
  const experiment = experimentOf({ guardrails: [{ metric: 'error', margin: 0.02 }], coverage: 0.5 });

  test('roll back an arm that fails, once, with the reason in the audit log, for good', async () => {
    const state = open();
    expect(await state.record(experiment, batchOf([...many(99, 0), ...many(99, 1, 0.5)]))).toEqual({ status: 'running', coverage: 0.5 });
    const rest = [...many(300, 0), ...many(300, 1, 0.5)].slice(99);
    expect(await state.record(experiment, batchOf(rest))).toEqual({ status: 'rolled_back', coverage: 0.5 });
    await evictDurableObject(state);
    expect(await state.record(experiment, batchOf(many(400, 1).slice(300)))).toEqual({ status: 'rolled_back', coverage: 0.5 });
    expect(await state.standing(experiment)).toEqual({ status: 'rolled_back', coverage: 0.5 });
    const { audit, status } = await state.report(experiment, 'd');
    expect(status).toBe('rolled_back');
    expect(audit.map(({ event }) => event)).toEqual(['published', 'rollback']);
    expect(audit[1].reason).toMatch(/^error of new is above its limit by 0\.\d+ \(at least 0\.\d+\)$/);
    // The operator may go further, not back.
    expect(await state.standing({ ...experiment, status: 'stopped' })).toMatchObject({ status: 'stopped' });
    expect(await state.standing({ ...experiment, status: 'running' })).toMatchObject({ status: 'rolled_back' });
  });

  test('freeze where they are told to, and a ramp stands still', async () => {
    const state = open();
    const ramp = {
      start: new Date(Date.now() - 60_000).toISOString(),
      steps: [0.1, 0.5].map((coverage, i) => ({ after_seconds: 3600 * i, coverage })),
    };
    const careful = experimentOf({ ramp, guardrails: [{ metric: 'error', action: 'freeze' }] });
    expect(await state.record(careful, batchOf([...many(200, 0), ...many(200, 1, 0.5)]))).toEqual({ status: 'frozen', coverage: 0.1 });
    // Hours later the ramp would have gone on.
    const later = { ...careful, ramp: { ...ramp, start: new Date(Date.now() - 7_200_000).toISOString() } };
    expect(await state.standing(later)).toEqual({ status: 'frozen', coverage: 0.1 });
    expect((await state.report(careful, 'd')).audit.map(({ event }) => event)).toEqual(['published', 'freeze', 'published']);
  });

  test('act on outcomes as well', async () => {
    const state = open();
    const selling = experimentOf({ guardrails: [{ metric: 'outcome.sale' }] });
    await state.record(selling, batchOf([...many(200, 0), ...many(200, 1)]));
    for (const arm of [0, 1])
      for (let i = 0; i < 200; i++)
        await state.feedback(selling, { tenant: 'ada', id: `r${i}-${arm}`, name: 'sale', value: arm === 0 || i % 3 === 0 ? 1 : 0 });
    const { status, audit } = await state.report(selling, 'd');
    expect(status).toBe('rolled_back');
    expect(audit.at(-1)?.reason).toMatch(/^outcome\.sale of new is below its limit/);
  });

  test('an arm that loses its users is frozen for its sample ratio', async () => {
    const state = open();
    expect(await state.record(experimentOf(), batchOf([...many(400, 0), ...many(200, 1)]))).toMatchObject({ status: 'frozen' });
    expect((await state.report(experimentOf(), 'd')).audit.at(-1)?.reason).toMatch(/^the arms got 400, 200 units where 300, 300 were due/);
  });
});

describe('publishing', () => {
  test('a published freeze holds the ramp where it was; a definition of an isolate that is behind is no news', async () => {
    const state = open();
    const start = Date.now() - 10_000;
    const steps = [0.1, 0.2].map((coverage, i) => ({ after_seconds: 3600 * i, coverage }));
    const running = experimentOf({ ramp: { start: new Date(start).toISOString(), steps } });
    expect(await state.standing(running)).toEqual({ status: 'running', coverage: 0.1 });
    expect(await state.standing({ ...running, status: 'frozen' })).toEqual({ status: 'frozen', coverage: 0.1 });
    expect(
      await state.standing({ ...running, status: 'frozen', ramp: { start: new Date(start - 7_200_000).toISOString(), steps } }),
    ).toEqual({
      status: 'frozen',
      coverage: 0.1,
    });
    await state.standing({ ...running, status: 'frozen' });
    expect((await state.report({ ...running, status: 'frozen' }, 'd')).audit.map(({ reason }) => reason.split(',')[0])).toEqual([
      'status running',
      'status frozen',
      'status frozen',
    ]);
  });

  test('an isolate that is behind does not let a frozen ramp creep on', async () => {
    const state = open();
    const steps = [0.1, 0.2].map((coverage, i) => ({ after_seconds: 3600 * i, coverage }));
    const nextStepMs = Date.now() + 700;
    const running = experimentOf({ ramp: { start: new Date(nextStepMs - 3_600_000).toISOString(), steps } });
    await state.standing(running);
    expect(await state.standing({ ...running, status: 'frozen' })).toEqual({ status: 'frozen', coverage: 0.1 });
    await new Promise((resolve) => setTimeout(resolve, nextStepMs + 50 - Date.now()));
    await state.standing(running);
    expect(await state.standing({ ...running, status: 'frozen' })).toEqual({ status: 'frozen', coverage: 0.1 });
  });
});

describe('outcomes', () => {
  const outcome = { tenant: 'ada', id: 'r0-1', name: 'sale', value: 1 };

  test('are tied to a request of the same tenant, once by name', async () => {
    const state = open();
    const experiment = experimentOf();
    expect(await state.feedback(experiment, outcome)).toEqual({ kind: 'unknown' });
    await state.record(experiment, batchOf([seen(0, 0), seen(0, 1), seen(0, 'held')]));
    expect(await state.feedback(experiment, { ...outcome, tenant: 'eve' })).toEqual({ kind: 'unknown' });
    expect(await state.feedback(experiment, outcome)).toEqual({ kind: 'recorded', arm: 'new' });
    expect(await state.feedback(experiment, { ...outcome, value: 0 })).toEqual({ kind: 'repeated', arm: 'new' });
    expect(await state.feedback(experiment, { ...outcome, name: 'stars', value: 4 })).toEqual({ kind: 'recorded', arm: 'new' });
    expect(await state.feedback(experiment, { ...outcome, id: 'r0-held' })).toEqual({ kind: 'recorded', arm: 'holdout' });
    const { arms } = await state.report(experiment, 'd');
    expect(arms[1].metrics).toMatchObject({ 'outcome.sale': { samples: 1, estimate: 1 }, 'outcome.stars': { samples: 1, estimate: 4 } });
    expect(arms[0].metrics).not.toHaveProperty('outcome.sale');
  });

  test('have at most 16 names', async () => {
    const state = open();
    await state.record(experimentOf(), batchOf([seen(0, 1), seen(1, 1)]));
    for (let i = 0; i < 16; i++) expect((await state.feedback(experimentOf(), { ...outcome, name: `n${i}` })).kind).toBe('recorded');
    expect(await state.feedback(experimentOf(), { ...outcome, name: 'n16' })).toEqual({ kind: 'full' });
    expect((await state.feedback(experimentOf(), { ...outcome, id: 'r1-1', name: 'n3' })).kind).toBe('recorded');
  });

  test('come too late after a week', async () => {
    const state = open();
    await state.record(experimentOf(), batchOf([seen(0, 1), seen(1, 1)]));
    await runInDurableObject(state, (_, { storage }) => {
      storage.sql.exec("UPDATE requests SET at_ms = at_ms - 8 * 86400000 WHERE id = 'r0-1'");
      storage.sql.exec('UPDATE batches SET at_ms = at_ms - 86400000');
    });
    expect(await runDurableObjectAlarm(state)).toBe(true);
    expect(await state.feedback(experimentOf(), outcome)).toEqual({ kind: 'unknown' });
    expect((await state.feedback(experimentOf(), { ...outcome, id: 'r1-1' })).kind).toBe('recorded');
    const left = await runInDurableObject(state, (_, { storage }) => storage.sql.exec('SELECT * FROM batches').toArray().length);
    expect(left).toBe(0);
    // What was counted stays counted.
    expect((await state.report(experimentOf(), 'd')).arms[1].exposures).toBe(2);
  });
});
