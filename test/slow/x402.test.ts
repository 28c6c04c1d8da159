// What test/e2e/x402/faults.test.ts tries with few requests, with many: seeds, crashes and both kinds of facilitators.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { runFaults } from '../e2e/x402/faults.ts';
import { startPaidEdge, type PaidEdge } from '../e2e/x402/paid-edge.ts';

const NONE = { paidTwice: 0, answeredUnpaid: 0, answeredTwice: 0, otherAmount: 0 };
const REQUESTS = 300;

let edge: PaidEdge;
beforeAll(async () => {
  edge = await startPaidEdge();
});
afterAll(() => edge.close());

test.each([11, 12, 13])('seed %i: paid once or not at all, never answered unpaid, in the end all answered', async (seed) => {
  const report = await runFaults(edge, { seed, requests: REQUESTS, atOnce: 16, idempotent: true, crashes: 3 });
  console.log(JSON.stringify(report));
  expect(report).toMatchObject({ violations: NONE, answered: REQUESTS, paid: REQUESTS, unresolved: 0 });
});

test('with a facilitator that forgets what it settled', async () => {
  const report = await runFaults(edge, { seed: 14, requests: REQUESTS, atOnce: 16, idempotent: false, crashes: 2 });
  console.log(JSON.stringify(report));
  expect(report.violations).toEqual(NONE);
  expect(report.answered).toBeGreaterThan(REQUESTS / 3);
});
