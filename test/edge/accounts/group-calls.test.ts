// Which calls travel together, who sends them, and what becomes of those whose company failed.

import { expect, test } from 'vitest';
import { groupCalls } from '../../../src/edge/accounts/group-calls.ts';
import type { AccountCall, AccountResult } from '../../../src/edge/accounts/port.ts';
import { createPaidHarness } from './harness.ts';

const released = (call: AccountCall): AccountResult => ({ kind: 'release', value: call.kind === 'release' && call.seq % 2 === 0 });

/** An account that answers when it is told to. */
function createScripted() {
  const messages: { readonly account: string; readonly calls: readonly AccountCall[]; answer(): void; fail(): void }[] = [];
  const clock = { nowMs: 0 };
  const calls = groupCalls({
    send: (account, given) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly AccountResult[]>();
      messages.push({ account, calls: given, answer: () => resolve(given.map(released)), fail: () => reject(new Error('gone')) });
      return promise;
    },
    now: () => clock.nowMs,
    keepAlive: () => undefined,
  });
  return { calls, messages, clock };
}

const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

test('a call goes at once, those that come meanwhile go together, in order, and each is told its own result', async () => {
  const { calls, messages } = createScripted();
  const first = calls('a').release(0);
  const later = [1, 2, 3].map((seq) => calls('a').release(seq));
  const elsewhere = calls('b').release(4);
  expect(messages.map(({ account, calls: given }) => [account, given.length])).toEqual([
    ['a', 1],
    ['b', 1],
  ]);
  messages[0].answer();
  expect(await first).toBe(true);
  await turn();
  expect(messages[2].calls.map((call) => call.kind === 'release' && call.seq)).toEqual([1, 2, 3]);
  messages[2].answer();
  expect(await Promise.all(later)).toEqual([false, true, false]);
  messages[1].answer();
  expect(await elsewhere).toBe(true);
  void calls('a').release(6);
  expect(messages).toHaveLength(4);
});

test('a message that fails fails its own calls only', async () => {
  const { calls, messages } = createScripted();
  const first = calls('a').release(0);
  const next = calls('a').release(2);
  messages[0].fail();
  await expect(first).rejects.toThrow('gone');
  await turn();
  messages[1].answer();
  expect(await next).toBe(true);
});

test('a message that is lost holds nobody up for long, and its late answer still counts', async () => {
  const { calls, messages, clock } = createScripted();
  const lost = calls('a').release(0);
  const waiting = calls('a').release(2);
  clock.nowMs = 1_001;
  const fresh = calls('a').release(4);
  expect(messages[1].calls).toHaveLength(2);
  messages[1].answer();
  expect(await Promise.all([waiting, fresh])).toEqual([true, true]);
  messages[0].answer();
  expect(await lost).toBe(true);
});

test('never more than 64 go together, and none is left behind', async () => {
  const { calls, messages } = createScripted();
  const all = Array.from({ length: 200 }, (_, seq) => calls('a').release(seq));
  for (let sent = 0; sent < messages.length; sent++) {
    messages[sent].answer();
    await turn();
  }
  expect((await Promise.all(all)).filter(Boolean)).toHaveLength(100);
  expect(messages.map(({ calls: given }) => given.length)).toEqual([1, 64, 64, 64, 7]);
});

test('the object answers each of several calls, whatever becomes of the others', async () => {
  const { customer } = createPaidHarness();
  const { stub, keyId, balance, held } = await customer(100);
  const open = (micros: number, request: string): AccountCall => ({
    kind: 'open',
    proof: { key: keyId, sha256: '0'.repeat(64) },
    request: { key: keyId, idempotency: undefined, bodyHash: '', micros, request, operation: 'predict' },
  });
  const results = await stub.callAll([open(1, 'forged'), { kind: 'release', seq: 7 }]);
  expect(results).toEqual([
    { kind: 'open', value: { kind: 'unauthorized' } },
    { kind: 'release', value: false },
  ]);
  expect([await balance(), await held()]).toEqual([100, 0]);
});

test('fifty requests at once are charged fifty times, and credit for ten is spent ten times', async () => {
  const { customer } = createPaidHarness({ prices: { answer: { request: 10 } } });
  const rich = await customer(1_000);
  const all = await Promise.all(Array.from({ length: 50 }, () => rich.predict()));
  expect(all.filter(({ status }) => status === 200)).toHaveLength(50);
  expect([await rich.balance(), await rich.held()]).toEqual([500, 0]);
  const poor = await customer(100);
  const some = await Promise.all(Array.from({ length: 50 }, () => poor.predict()));
  const statuses = some.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length + statuses.filter((status) => status === 402).length).toBe(50);
  expect([await poor.balance(), await poor.held()]).toEqual([100 - 10 * statuses.filter((status) => status === 200).length, 0]);
});
