// Kill -9 under load with two origins, many times, now and then after the origin has stood still for longer than an attempt may take.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { runKills } from '../e2e/kill/run-kills.ts';
import { ATTEMPT_MS, startTwoOrigins, type TwoOrigins } from '../e2e/kill/two-origins.ts';

let deployment: TwoOrigins;
beforeAll(async () => {
  deployment = await startTwoOrigins();
});
afterAll(() => deployment.close());

test('every caller is answered after one retry at the most, and charged once for it', async () => {
  const report = await runKills(deployment, {
    seed: 2,
    kills: 12,
    callers: 12,
    readers: 2,
    calmMs: 2_000,
    missedMs: 1_000,
    frozenMs: ATTEMPT_MS + 500,
  });
  console.log(JSON.stringify(report));
  expect(Object.keys(report.statuses)).toEqual(['200']);
  // The longest delay: an attempt that is lost, whose time is limited, and one that answers.
  expect(Object.keys(report.attempts)).toEqual(['1', '2']);
  expect(report).toMatchObject({ brokenLines: 0, lost: 0, unearned: 0, excess: 0, held: 0, findings: [] });
});
