import { describe, expect, test } from 'vitest';
import { decide, type MeasuredArm } from '../../../src/core/experiment/decide.ts';
import { addValues, type Moments } from '../../../src/core/experiment/moments.ts';
import { guardrail, simulate } from './simulate.ts';

const GUARDRAILS = [guardrail('error'), guardrail('latency_ms'), guardrail('confidence'), guardrail('abstain')];

/** An arm of `units` units with one request each, the i-th of which has the value `value(i)`. */
function arm(name: string, metric: string, units: number, value: (i: number) => number): MeasuredArm {
  const moments: Record<string, Moments> = {};
  for (let i = 0; i < units; i++) addValues(moments, {}, { [metric]: value(i) });
  return { name, weight: 0.5, units, moments };
}
const failing = (share: number) => (i: number) => (i % 100 < 100 * share ? 1 : 0);

test('rolls back an arm that fails, and says why', () => {
  const arms = [arm('old', 'error', 500, failing(0.01)), arm('new', 'error', 500, failing(0.4))];
  const { action, reason, judgements } = decide(arms, [guardrail('error', { margin: 0.02 })]);
  expect(action).toBe('rollback');
  expect(reason).toMatch(/^error of new is above its limit by 0\.37 \(at least 0\.2\d*\)$/);
  expect(judgements).toMatchObject([{ metric: 'error', arm: 'new', state: 'breached' }]);
});

test('an arm that is better than the first breaches nothing', () => {
  const arms = [arm('old', 'error', 500, failing(0.4)), arm('new', 'error', 500, failing(0.01))];
  expect(decide(arms, [guardrail('error')])).toMatchObject({ action: 'continue', judgements: [{ state: 'within' }] });
});

test('waits for samples and units of both arms', () => {
  const bad = arm('new', 'error', 500, () => 1);
  for (const [old, change] of [
    [arm('old', 'error', 99, () => 0), {}],
    [arm('old', 'error', 500, () => 0), { min_samples: 501 }],
    [arm('old', 'error', 500, () => 0), { min_units: 501 }],
    [arm('old', 'latency_ms', 500, () => 0), {}],
  ] as const)
    expect(decide([{ ...old, units: 500 }, bad], [guardrail('error', change)])).toMatchObject({
      action: 'continue',
      judgements: [{ state: 'waiting' }],
    });
});

test('harm has a direction, a margin and a share', () => {
  const at = (name: string, mean: number): MeasuredArm => arm(name, 'outcome.cost', 400, (i) => mean + (i % 2));
  const state = (mean: number, change: object): string =>
    decide([at('old', 100), at('new', mean)], [guardrail('outcome.cost', { harm: 'up', ...change })]).judgements[0].state;
  expect(state(110, {})).toBe('breached');
  expect(state(110, { margin: 20 })).toBe('within');
  expect(state(110, { relative: 0.2 })).toBe('within');
  expect(state(110, { relative: 0.05 })).toBe('breached');
  expect(state(110, { relative: 0.0995 })).toBe('unclear');
  expect(state(90, {})).toBe('within');
  expect(state(90, { harm: 'down' })).toBe('breached');
  expect(state(90, { harm: undefined })).toBe('breached');
  expect(state(90, { harm: 'down', relative: 0.2 })).toBe('within');
});

test('a latency guardrail reads its share as a ratio', () => {
  const at = (name: string, ms: number): MeasuredArm => arm(name, 'latency_ms', 400, (i) => Math.log(ms) + 0.1 * (i % 2));
  const state = (relative: number): string =>
    decide([at('old', 20), at('new', 24)], [guardrail('latency_ms', { relative })]).judgements[0].state;
  expect([0, 0.1, 0.3].map(state)).toEqual(['breached', 'breached', 'within']);
});

test('freezes where the guardrail says so, and on a sample-ratio mismatch; a rollback goes first', () => {
  const old = arm('old', 'error', 500, failing(0.01));
  const bad = arm('new', 'error', 500, failing(0.5));
  expect(decide([old, bad], [guardrail('error', { action: 'freeze' })]).action).toBe('freeze');
  const lopsided = [
    { ...old, units: 2000 },
    { ...bad, units: 500 },
  ];
  const { action, reason } = decide(lopsided, [guardrail('error', { action: 'freeze' })]);
  expect(action).toBe('freeze');
  expect(reason).toMatch(/^the arms got 2000, 500 units where 1250, 1250 were due \(p /);
  expect(decide(lopsided, [guardrail('error')]).action).toBe('rollback');
});

describe('simulated traffic of users who come back', () => {
  test('100 A/A runs, looked at every 100 requests, raise at most 5 alarms', () => {
    let alarms = 0;
    for (let seed = 0; seed < 100; seed++)
      if (simulate(seed, { requests: 5000, users: 400, guardrails: GUARDRAILS, every: 100, errors: [0.02, 0.02] })) alarms++;
    expect(alarms).toBeLessThanOrEqual(5);
  });

  test('an arm whose errors jump from 2 % to 20 % is rolled back within 1,000 requests, to 50 % within 500', () => {
    for (const [errors, most] of [
      [0.2, 1000],
      [0.5, 500],
    ])
      for (let seed = 0; seed < 20; seed++) {
        const found = simulate(seed, { requests: 5000, users: 400, guardrails: GUARDRAILS, every: 100, errors: [0.02, errors] });
        expect(found?.decision).toMatchObject({ action: 'rollback', reason: expect.stringContaining('error of treatment') });
        expect(found?.requests).toBeLessThanOrEqual(most);
      }
  });

  test('an arm that loses three users of ten is frozen for its sample ratio', () => {
    for (let seed = 0; seed < 10; seed++) {
      const found = simulate(seed, { requests: 20_000, users: 4000, guardrails: [], every: 100, errors: [0.02, 0.02], lost: 0.3 });
      expect(found?.decision).toMatchObject({ action: 'freeze', sample_ratio: { mismatch: true } });
    }
  });
});
