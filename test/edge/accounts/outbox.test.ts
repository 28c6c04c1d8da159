import { createExecutionContext, createMessageBatch, getQueueResult, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { usageMessages, type UsageMessage } from '../../../src/edge/durable/usage-messages.ts';
import type { UsageEvent } from '../../../src/core/ledger/usage-event.ts';
import type { EdgeEnv } from '../../../src/edge/env.ts';
import { consumeUsage } from '../../../src/edge/accounts/consume-usage.ts';
import { ANSWER_PRICE, createPaidHarness } from './harness.ts';

afterEach(() => void vi.restoreAllMocks());

function event(account: string, seq: number, experts: readonly string[] = ['cola']): UsageEvent {
  const facts = { key: 'k', request: 'r', operation: 'predict', micros: seq, atMs: seq, answers: 1, tokens: 1, configs: ['c'], experts };
  return { id: `${account}.${seq}`, account, seq, ...facts };
}

async function deliver(messages: readonly UsageMessage[], bindings: EdgeEnv = env): Promise<{ acks: string[]; retries: string[] }> {
  const batch = createMessageBatch<UsageMessage>(
    'twinroute-usage',
    messages.map((body, i) => ({ id: String(i), timestamp: 0, attempts: 1, body })),
  );
  const context = createExecutionContext();
  await consumeUsage(batch, bindings);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
  return { acks: explicitAcks, retries: retryMessages.map(({ msgId }) => msgId) };
}

describe('the queue', () => {
  test('may deliver twice, in any order and in other groups: each event is there once', async () => {
    const account = 'twice';
    const events = [1, 2, 3, 4].map((seq) => event(account, seq));
    const group = (...seqs: number[]): UsageMessage => ({ kind: 'usage', account, events: seqs.map((seq) => events[seq - 1]) });
    await deliver([group(3, 4), group(1, 2), group(3, 4)]);
    await deliver([group(2, 3)]);
    expect(await env.USAGE_LOGS.getByName(account).list(0, 99)).toEqual(events);
    expect(await env.USAGE_LOGS.getByName(account).list(2, 1)).toEqual([events[2]]);
  });

  test('hears of each message whether it was taken', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const good: UsageMessage = { kind: 'usage', account: 'good', events: [event('good', 1)] };
    expect(await deliver([good, good])).toEqual({ acks: ['0', '1'], retries: [] });
    const { USAGE_LOGS: _gone, ...less } = env;
    expect(await deliver([good], less)).toEqual({ acks: [], retries: ['0'] });
  });

  test('gets messages that it takes, with every event in one of them', () => {
    const wide = Array.from({ length: 500 }, (_, i) =>
      event(
        'wide',
        i + 1,
        Array.from({ length: 64 }, (_, e) => `expert-${e}`.padEnd(60, 'x')),
      ),
    );
    const messages = usageMessages('wide', wide);
    expect(messages.flatMap((message) => (message.kind === 'usage' ? message.events : []))).toEqual(wide);
    for (const message of messages) expect(JSON.stringify(message).length).toBeLessThan(128_000);
    expect(usageMessages('none', [])).toEqual([]);
  });
});

test('a queue that takes nothing loses nothing: the ledger sends again until it does', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const { admin, customer, accounts } = createPaidHarness();
  const { id, stub, predict } = await customer(10_000);
  for (let i = 0; i < 3; i++) await predict();
  const sent: UsageMessage[] = [];
  const use = (send: (message: UsageMessage) => Promise<void>): Promise<unknown> =>
    runInDurableObject(stub, (account) => void Object.assign(account, { env: { ...env, USAGE: { send } } }));
  await use(() => Promise.reject(new Error('the queue is full')));
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  // It wakes again by itself.
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect((await stub.standing())?.seq).toBe(0);
  await use(async (message) => void sent.push(message));
  await runDurableObjectAlarm(stub);
  expect((await stub.standing())?.seq).toBe(3);
  expect((await admin('GET', `reconcile?account=${id}&grace_seconds=0`)).body.findings).toHaveLength(3);
  await deliver(sent);
  expect((await admin('GET', `reconcile?account=${id}&grace_seconds=0`)).body.findings).toEqual([]);
  expect((await accounts.logs.getByName(id).list(0, 9)).map(({ micros }) => micros)).toEqual([ANSWER_PRICE, ANSWER_PRICE, ANSWER_PRICE]);
});
