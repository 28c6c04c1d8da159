// Requests whose work begins while their reservation is under way: who gets that, and that nobody is answered without one.

import { expect, test } from 'vitest';
import type { AccountCalls, OpenedCall } from '../../../src/edge/accounts/port.ts';
import { createHeadStarts } from '../../../src/edge/accounts/head-starts.ts';
import { ANSWER_PRICE, createPaidHarness } from './harness.ts';

const opened = (available: number, remaining?: number): OpenedCall => ({
  kind: 'opened',
  seq: 1,
  state: 'reserved',
  charged: 0,
  answer: undefined,
  available,
  rate: remaining === undefined ? undefined : { limit: 1000, remaining, resetMs: 1 },
});

test('only a key that had plenty a moment ago has one', () => {
  const starts = createHeadStarts();
  expect(starts.allows('k', 1, 0)).toBe(false);
  starts.saw('k', opened(1_000), 0);
  expect([starts.allows('k', 10, 9_999), starts.allows('k', 11, 0), starts.allows('k', 10, 10_000), starts.allows('j', 1, 0)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  for (const bad of ['unknown', { kind: 'unauthorized' }, opened(1_000, 99)] as const) {
    starts.saw('k', opened(1_000, 100), 0);
    expect(starts.allows('k', 10, 0)).toBe(true);
    starts.saw('k', bad, 0);
    expect(starts.allows('k', 10, 0)).toBe(false);
  }
});

/** A customer whose reservations wait to be let through, and are refused on demand. */
async function createHeldUp() {
  const gate = { wait: Promise.resolve(), revoked: false };
  const { customer, calls } = createPaidHarness({
    sabotage: (accounts) => ({
      ...accounts,
      calls: (account): AccountCalls => {
        const real = accounts.calls(account);
        return {
          ...real,
          async open(proof, request) {
            await gate.wait;
            return gate.revoked ? { kind: 'unauthorized' } : real.open(proof, request);
          },
        };
      },
    }),
  });
  return { ...(await customer(1_000_000)), calls, gate };
}

const turns = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

test('the origin works meanwhile, the answer waits, and is charged once', async () => {
  const { predict, balance, held, calls, gate } = await createHeldUp();
  await predict();
  expect(calls).toHaveLength(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  gate.wait = promise;
  let answered = false;
  const second = predict().then((answer) => {
    answered = true;
    return answer;
  });
  await expect.poll(() => calls.length).toBe(2);
  await turns(20);
  expect(answered).toBe(false);
  resolve();
  expect((await second).status).toBe(200);
  expect([await balance(), await held(), calls.length]).toEqual([1_000_000 - 2 * ANSWER_PRICE, 0, 2]);
});

test('what is refused meanwhile is not answered, not charged, and the next one waits', async () => {
  const { predict, balance, held, calls, gate } = await createHeldUp();
  await predict();
  gate.revoked = true;
  expect([(await predict()).status, (await predict()).status]).toEqual([401, 401]);
  expect(calls).toHaveLength(2);
  expect([await balance(), await held()]).toEqual([1_000_000 - ANSWER_PRICE, 0]);
});

test('a named request waits: it may have been answered before', async () => {
  const { predict, calls } = await createHeldUp();
  const name = { 'idempotency-key': 'one' };
  await predict(undefined, name);
  const again = await predict(undefined, name);
  expect([again.status, again.headers.get('idempotent-replayed'), calls.length]).toEqual([200, 'true', 1]);
});
