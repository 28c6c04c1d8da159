import { expect, test } from 'vitest';
import { guardrail, simulate } from '../core/experiment/simulate.ts';

const GUARDRAILS = [guardrail('error'), guardrail('latency_ms'), guardrail('confidence'), guardrail('abstain')];

test.each([
  [100, 5000],
  [400, 10_000],
  [5000, 10_000],
])('of 1,000 A/A runs over %i users and %i requests, looked at every 100, at most one in twenty raises an alarm', (users, requests) => {
  let alarms = 0;
  for (let seed = 1000; seed < 2000; seed++)
    if (simulate(seed, { requests, users, guardrails: GUARDRAILS, every: 100, errors: [0.02, 0.02] })) alarms++;
  console.log(`${users} users, ${requests} requests: ${alarms} alarms in 1,000 runs`);
  expect(alarms).toBeLessThanOrEqual(50);
});
