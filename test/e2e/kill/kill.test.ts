// Kill -9 under load with two origins. What test/slow/kill.test.ts does many times, twice.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { runKills } from './run-kills.ts';
import { startTwoOrigins, type TwoOrigins } from './two-origins.ts';

let deployment: TwoOrigins;
beforeAll(async () => {
  deployment = await startTwoOrigins();
});
afterAll(() => deployment.close());

test('every caller is answered after one retry at the most, and charged once for it', async () => {
  const report = await runKills(deployment, { seed: 1, kills: 2, callers: 6, readers: 1, calmMs: 1_200, missedMs: 500, frozenMs: 0 });
  console.log(JSON.stringify(report));
  expect(Object.keys(report.statuses)).toEqual(['200']);
  // The longest delay: an attempt that is lost, whose time is limited, and one that answers.
  expect(Object.keys(report.attempts)).toEqual(['1', '2']);
  expect(report).toMatchObject({ brokenLines: 0, lost: 0, unearned: 0, excess: 0, held: 0, findings: [] });
  expect(report.charged).toBeGreaterThan(0);
});
