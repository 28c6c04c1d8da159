import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { StatementAnswer, UsageAnswer } from '../../../src/contract/usage.ts';
import { ANSWER_PRICE, createPaidHarness, PRICES, ROOT } from './harness.ts';

afterEach(() => void vi.restoreAllMocks());

const READER = { scopes: ['predict', 'admin-read'] };

/** Waits until the queue has brought everything to the log. */
async function delivered(admin: ReturnType<typeof createPaidHarness>['admin'], id: string): Promise<void> {
  await vi.waitFor(async () => expect((await admin('GET', `reconcile?account=${id}&grace_seconds=0`)).body.findings).toEqual([]), {
    timeout: 20_000,
    interval: 500,
  });
}

test('an account sees its balance, its spending and its requests', async () => {
  const { customer } = createPaidHarness();
  const { id, keyId, predict, get } = await customer(1000, READER);
  for (let i = 0; i < 3; i++) await predict({ text: 'a' }, { 'x-request-id': `r${i}` });
  const usage = z.parse(UsageAnswer, (await get('/v1/usage')).body);
  const spent = { day_micros: 3 * ANSWER_PRICE, month_micros: 3 * ANSWER_PRICE, ever_micros: 3 * ANSWER_PRICE };
  expect(usage).toEqual({
    account: id,
    currency: 'USD',
    balance_micros: 1000 - 3 * ANSWER_PRICE,
    held_micros: 0,
    spent: { account: spent, [keyId]: spent },
  });
  const page = z.parse(StatementAnswer, (await get('/v1/statement?limit=2')).body);
  expect(page.lines.map(({ request, state, charged_micros: micros }) => [request, state, micros])).toEqual([
    ['r0', 'settled', ANSWER_PRICE],
    ['r1', 'settled', ANSWER_PRICE],
  ]);
  const rest = z.parse(StatementAnswer, (await get(`/v1/statement?limit=2&after=${page.next}`)).body);
  expect(rest.lines.map(({ request }) => request)).toEqual(['r2']);
  expect(rest.next).toBeUndefined();
  const latest = z.parse(StatementAnswer, (await get('/v1/statement?limit=2&before=1000')).body);
  expect(latest.lines.map(({ request }) => request)).toEqual(['r2', 'r1']);
  const older = z.parse(StatementAnswer, (await get(`/v1/statement?limit=2&before=${latest.next}`)).body);
  expect(older.lines.map(({ request }) => request)).toEqual(['r0']);
  expect(older.next).toBeUndefined();
  expect((await get('/v1/statement?limit=x')).status).toBe(400);
});

test('prices are told to everybody, and the description lists what accounts add', async () => {
  const { app } = createPaidHarness();
  expect(await (await app.request('/v1/prices')).json()).toMatchObject({ currency: 'USD', ...PRICES, max_tokens: 512 });
  const { paths } = z.parse(z.object({ paths: z.record(z.string(), z.unknown()) }), await (await app.request('/openapi.json')).json());
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/v1/prices', '/v1/usage', '/v1/statement']));
  expect(paths['/v1/usage']).toMatchObject({ get: { security: [{ key: [] }] } });
  expect(JSON.stringify(paths['/v1/prices'])).not.toContain('security');
});

test('what was charged goes through the queue, is exported once, and agrees with the ledger', async () => {
  const { admin, customer } = createPaidHarness();
  const { id, keyId, stub, predict } = await customer(10_000, {}, { stripe_customer: 'cus_1' });
  for (let i = 0; i < 3; i++) await predict();
  expect((await admin('GET', `export?account=${id}`)).body).toBe('');
  await runDurableObjectAlarm(stub);
  await delivered(admin, id);
  const lines = (text: string): unknown[] =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  const events = lines((await admin('GET', `export?account=${id}`)).body);
  expect(events).toHaveLength(3);
  expect(events[0]).toMatchObject({
    specversion: '1.0',
    type: 'twinroute.usage',
    id: `${id}.1`,
    subject: id,
    data: { key: keyId, micros: ANSWER_PRICE, tokens: 7, operation: 'predict', experts: ['cola', 'sst2'] },
  });
  expect(lines((await admin('GET', `export?account=${id}&after=2`)).body)).toHaveLength(1);
  expect(lines((await admin('GET', `export?account=${id}&format=stripe&meter=answers`)).body)[2]).toMatchObject({
    event_name: 'answers',
    identifier: `${id}.3`,
    payload: { stripe_customer_id: 'cus_1', value: String(ANSWER_PRICE) },
  });
  const everything = lines((await admin('GET', 'export')).body);
  expect(everything).toEqual(expect.arrayContaining(events));
});

test('reconciliation finds what is missing, what is too much, and what is different', async () => {
  const { admin, customer, accounts } = createPaidHarness();
  const { id, stub, predict } = await customer(10_000);
  for (let i = 0; i < 4; i++) await predict();
  await runDurableObjectAlarm(stub);
  await delivered(admin, id);
  await runInDurableObject(accounts.logs.getByName(id), (_log, { storage: { sql } }) => {
    sql.exec('DELETE FROM events WHERE seq = 2');
    sql.exec(`UPDATE events SET event = json_set(event, '$.micros', 1) WHERE seq = 3`);
  });
  await runInDurableObject(stub, (_account, { storage: { sql } }) => {
    sql.exec(`UPDATE entries SET state = 'released' WHERE seq = 4`);
  });
  const { body } = await admin('GET', `reconcile?account=${id}&grace_seconds=0`);
  expect(body).toEqual({
    accounts: 1,
    findings: [
      { account: id, kind: 'missing', seq: 2 },
      { account: id, kind: 'different', seq: 3 },
      { account: id, kind: 'extra', seq: 4 },
      { account: id, kind: 'balance', expected: 10_000 - 3 * ANSWER_PRICE, got: 10_000 - 4 * ANSWER_PRICE },
    ],
  });
  // Within the queue's time, what is missing may still be under way.
  expect((await admin('GET', `reconcile?account=${id}`)).body.findings).not.toContainEqual({ account: id, kind: 'missing', seq: 2 });
});

test('an entry that nobody ended is swept: unknown after half a minute, given back after an hour', async () => {
  const { customer } = createPaidHarness();
  const { keyId, key, stub, held } = await customer(1000);
  const nowMs = Date.now();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const request = { key: keyId, idempotency: undefined, bodyHash: '', micros: 100, request: 'r', operation: 'predict' };
  expect(await stub.open({ key: keyId, sha256 }, request)).toMatchObject({ kind: 'opened', seq: 1, available: 900 });
  const states: unknown[] = [];
  for (const ms of [29_000, 31_000, 3_630_000, 3_640_000]) {
    vi.spyOn(Date, 'now').mockReturnValue(nowMs + ms);
    await runDurableObjectAlarm(stub);
    states.push([(await stub.entries(0, 1))?.[0]?.state, await held()]);
  }
  expect(states).toEqual([
    ['reserved', 100],
    ['unknown', 100],
    ['unknown', 100],
    ['released', 0],
  ]);
});

test('nothing secret and no text is ever logged', async () => {
  const lines: string[] = [];
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, method).mockImplementation((...args: unknown[]) => void lines.push(args.map(String).join(' ')));
  const text = 'a text that nobody else may read';
  const { customer, post, logged, admin } = createPaidHarness({
    origin: () => new Response(JSON.stringify({ error: 'origin is unwell' }), { status: 500 }),
    sabotage: (accounts) => ({ ...accounts, send: () => Promise.reject(new Error('no queue')) }),
  });
  const { key, predict, stub } = await customer(1000);
  await predict({ text }, { 'idempotency-key': 'a-name' });
  await predict({ text, task: text });
  await predict(`{"text": "${text}`);
  await post('/v1/predict', { text }, { authorization: `Bearer ${key}0` });
  await admin('GET', 'accounts', undefined, `${ROOT}${key}`);
  await runDurableObjectAlarm(stub);
  for (const error of logged) lines.push(`${error.message} ${String(error.cause)} ${error.stack}`);
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) for (const secret of [text, key, key.slice(-52), ROOT]) expect(line).not.toContain(secret);
});
