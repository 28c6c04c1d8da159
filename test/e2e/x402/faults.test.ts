import { afterAll, beforeAll, expect, test } from 'vitest';
import { runFaults } from './faults.ts';
import { startPaidEdge, type PaidEdge } from './paid-edge.ts';

const NONE = { paidTwice: 0, answeredUnpaid: 0, answeredTwice: 0, otherAmount: 0 };

let edge: PaidEdge;
beforeAll(async () => {
  edge = await startPaidEdge();
});
afterAll(() => edge.close());

test('whatever fails, a request is paid once or not at all, never answered unpaid, and in the end answered', async () => {
  const requests = 40;
  const report = await runFaults(edge, { seed: 1, requests, atOnce: 10, idempotent: true, crashes: 1 });
  expect(report).toMatchObject({ violations: NONE, answered: requests, paid: requests, unresolved: 0 });
  // Enough went wrong.
  expect((report.statuses[503] ?? 0) + (report.statuses[402] ?? 0)).toBeGreaterThan(5);
});

test('also with a facilitator that forgets what it settled, though some payments then stay unresolved', async () => {
  const requests = 20;
  const report = await runFaults(edge, { seed: 2, requests, atOnce: 10, idempotent: false, crashes: 0 });
  expect(report.violations).toEqual(NONE);
  expect(report.answered).toBeGreaterThan(0);
});
