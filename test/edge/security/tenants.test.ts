// What one account may learn or take of another: nothing.

import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { ConfigsAnswer } from '../../../src/contract/http.ts';
import { StatementAnswer, UsageAnswer } from '../../../src/contract/usage.ts';
import { createPaidHarness } from '../accounts/harness.ts';
import { CONFIG, OTHER_CONFIG } from '../helpers/harness.ts';

const READER = { scopes: ['predict', 'route', 'feedback', 'admin-read'] };

test('an idempotency key of another account is one of its own: another answer, another charge, no conflict', async () => {
  const { customer, calls } = createPaidHarness();
  const [ada, eve] = [await customer(), await customer()];
  const named = { 'idempotency-key': 'order-1' };
  const first = await ada.predict({ text: 'what ada alone asked' }, named);
  for (const body of [{ text: 'what ada alone asked' }, { text: 'something else' }]) {
    const { status, headers, body: answer } = await eve.predict(body, named);
    expect(headers.get('idempotent-replayed')).toBeNull();
    expect(JSON.stringify(answer)).not.toContain(JSON.stringify(first.body).slice(8, 20));
    if (body.text === 'something else') expect(status).toBe(409);
    else expect(status).toBe(200);
  }
  expect(calls).toHaveLength(2);
  expect([await ada.balance(), await eve.balance()]).toEqual([1_000_000 - 16, 1_000_000 - 16]);
});

test('a request id of another account neither replays nor replaces its entries', async () => {
  const { customer } = createPaidHarness();
  const [ada, eve] = [await customer(1_000, READER), await customer(1_000, READER)];
  const id = { 'x-request-id': 'the-same' };
  await ada.predict({ text: 'a' }, id);
  await eve.predict({ text: 'b' }, id);
  for (const { id: account, get } of [ada, eve]) {
    const { lines, ...statement } = z.parse(StatementAnswer, (await get('/v1/statement')).body);
    expect(statement.account).toBe(account);
    expect(lines).toHaveLength(1);
  }
});

test('usage and statement are those of the key, whatever else the request names', async () => {
  const { customer } = createPaidHarness();
  const [ada, eve] = [await customer(5_000, READER), await customer(7, READER)];
  await ada.predict();
  for (const query of ['', `?account=${ada.id}`, `?tenant=${ada.id}&key=${ada.keyId}`, `?after=0&limit=1000&account=${ada.id}`]) {
    expect(z.parse(UsageAnswer, (await eve.get(`/v1/usage${query}`)).body)).toMatchObject({ account: eve.id, balance_micros: 7 });
    expect(z.parse(StatementAnswer, (await eve.get(`/v1/statement${query}`)).body)).toMatchObject({ account: eve.id, lines: [] });
  }
});

test('an export or reconciliation of one account has nothing of another', async () => {
  const { admin, customer } = createPaidHarness();
  const [ada, eve] = [await customer(), await customer()];
  await ada.predict();
  await runDurableObjectAlarm(ada.stub);
  await expect.poll(async () => (await admin('GET', `export?account=${ada.id}`)).body, { timeout: 20_000 }).toContain(ada.id);
  expect((await admin('GET', `export?account=${eve.id}`)).body).toBe('');
});

describe('a kept answer', () => {
  const cache = { upstream: { cache: { bytes: 1_000_000, seconds: 60 } } };

  test('is its account’s alone, however the question is put', async () => {
    const { customer, calls } = createPaidHarness(cache);
    const [ada, eve] = [await customer(), await customer()];
    for (const body of [{ text: 'the same' }, { text: 'the same', task: 'sst2' }, { text: 'the same', mix: { sst2: 0.5 } }]) {
      const before = calls.length;
      for (const { predict } of [ada, eve]) expect((await predict({ ...body, cache: true })).body).not.toHaveProperty('cached');
      expect(calls.length).toBe(before + 2);
      for (const { predict } of [ada, eve]) expect((await predict({ ...body, cache: true })).body).toMatchObject({ cached: true });
      expect(calls.length).toBe(before + 2);
    }
  });

  test('of a key that may use more experts is not given to a key of the same account that may use fewer', async () => {
    const { admin, customer, post } = createPaidHarness(cache);
    const { id, predict } = await customer();
    expect((await predict({ text: 'the same', cache: true })).body).toMatchObject({ task: 'sst2' });
    const { key } = (await admin('POST', `accounts/${id}/keys`, { name: 'narrow', experts: ['cola'] })).body;
    const { body } = await post('/v1/predict', { text: 'the same', cache: true }, { authorization: `Bearer ${key}` });
    expect(body).toMatchObject({ task: 'cola' });
    expect(body).not.toHaveProperty('cached');
  });

  test('is not mixed up with that of a question whose parts only look alike', async () => {
    const { customer, calls } = createPaidHarness(cache);
    const { predict } = await customer();
    for (const body of [
      { text: 'a', text_pair: 'b' },
      { text: 'a","text_pair":"b' },
      { text: 'b', text_pair: 'a' },
      { text: 'a' },
      { text: 'a ' },
      { text: 'A' },
      { text: 'é' },
      { text: 'e\u0301' },
    ])
      expect((await predict({ ...body, task: 'sst2', cache: true })).body).not.toHaveProperty('cached');
    expect(calls).toHaveLength(8);
  });
});

test('the lists of configs and experts show a key what it may use', async () => {
  const { customer } = createPaidHarness({
    experiments: { readPublished: async () => undefined, storeOf: (design) => env.EXPERIMENT_STATES.getByName(design) },
  });
  const all = await customer();
  const narrow = await customer(0, { configs: [OTHER_CONFIG] });
  const listed = async ({ get }: typeof all) => z.parse(ConfigsAnswer, (await get('/v1/configs')).body).configs.map(({ config }) => config);
  expect(await listed(all)).toEqual([CONFIG, OTHER_CONFIG]);
  expect(await listed(narrow)).toEqual([OTHER_CONFIG]);
  expect((await narrow.get('/v1/experts')).body).toMatchObject({ config: OTHER_CONFIG });
  expect((await narrow.get(`/v1/experts?config=${CONFIG}`)).status).toBe(403);
});
