// Keys, charges and their export through `twinroute dev`: the Worker in workerd with its Durable Objects and queue, and origins that answer.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { ReconcileAnswer } from '../../src/contract/admin.ts';
import { Prediction } from '../../src/contract/http.ts';
import { UsageAnswer } from '../../src/contract/usage.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { startWith, type Program } from './program.ts';

const ROOT = 'a root secret for this test, long enough';
const PRICES = { currency: 'EUR', answer: { request: 100, per_1000_tokens: 1000 }, experts: { stars: { request: 50 } } };
const Made = z.object({ id: z.string() });
const Issued = z.object({ id: z.string(), key: z.string() });

let inputs: TinyInputs;
let pack: string;
let state: string;

beforeAll(async () => {
  inputs = await makeTinyInputs();
  pack = await buildTinyPack(inputs);
  state = await mkdtemp(join(tmpdir(), 'twinroute-accounts-'));
});

afterAll(async () => {
  await inputs.models.remove();
  await rm(state, { recursive: true, force: true });
});

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function serve(): Promise<{
  program: Program;
  ask: (secret: string, path: string, body?: object, headers?: object) => Promise<Answered>;
}> {
  const env = { ADMIN_SECRET: ROOT, PRICES: JSON.stringify(PRICES) };
  const program = startWith(env, 'dev', pack, '--port', '0', '--origin-port', '0', '--state', state);
  const url = (await program.waitFor(/edge +(http:\/\/\S+)/))[1];
  await program.waitFor(/ctrl-c stops/);
  return {
    program,
    async ask(secret, path, body, headers = {}) {
      const response = await fetch(url + path, {
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
  };
}

async function stop({ process: child, ended }: Program): Promise<void> {
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
}

test('dev with a root secret: its samples are answered with a key, customers are charged, and all of it outlives a restart', async () => {
  const first = await serve();
  // Its own samples needed a key, and were answered with one.
  for (const { name } of TINY_EXPERTS) expect(first.program.output()).toContain(name);
  expect(first.program.output()).not.toContain('failed:');
  expect(first.program.output()).toMatch(/authorization: Bearer tr_/);

  expect((await first.ask('', '/v1/predict', { text: 'a' })).status).toBe(401);
  const { id } = Made.parse(JSON.parse((await first.ask(ROOT, '/admin/v1/accounts', { name: 'customer' })).text));
  await first.ask(ROOT, `/admin/v1/accounts/${id}/credits`, { id: 'invoice-1', micros: 10_000 });
  const { key } = Issued.parse(
    JSON.parse((await first.ask(ROOT, `/admin/v1/accounts/${id}/keys`, { name: 'k', scopes: ['predict', 'admin-read'] })).text),
  );
  const text = tinyText('birds', 7);
  const answered = await first.ask(key, '/v1/predict', { text, task: 'stars' }, { 'idempotency-key': 'one' });
  expect({ status: answered.status, text: answered.text }).toMatchObject({ status: 200 });
  const { usage } = Prediction.parse(JSON.parse(answered.text));
  const cost = 150 + usage.tokens;
  expect(answered.headers.get('x-usage-micros')).toBe(String(cost));
  expect(answered.headers.get('x-balance-micros')).toBe(String(10_000 - cost));
  expect((await first.ask(key, '/v1/predict', { text, task: 'boats' })).status).toBe(404);
  await stop(first.program);

  const second = await serve();
  const again = await second.ask(key, '/v1/predict', { text, task: 'stars' }, { 'idempotency-key': 'one' });
  expect({ text: again.text, replayed: again.headers.get('idempotent-replayed') }).toEqual({ text: answered.text, replayed: 'true' });
  const told = UsageAnswer.parse(JSON.parse((await second.ask(key, '/v1/usage')).text));
  expect(told).toMatchObject({ account: id, currency: 'EUR', balance_micros: 10_000 - cost, held_micros: 0 });
  await vi.waitFor(
    async () => {
      const lines = (await second.ask(ROOT, `/admin/v1/export?account=${id}`)).text.split('\n').filter(Boolean);
      expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
        { id: `${id}.1`, data: { micros: cost, tokens: usage.tokens } },
      ]);
    },
    { timeout: 60_000, interval: 500 },
  );
  const { accounts, findings, receipts } = ReconcileAnswer.parse(JSON.parse((await second.ask(ROOT, '/admin/v1/reconcile')).text));
  expect({ accounts, findings }).toEqual({ accounts: 2, findings: [] });
  // Every charge has a receipt in the books of the origins, which outlived the restart too.
  expect(receipts?.charged).toBeGreaterThan(3);
  expect(receipts?.books.map(({ endpoint, problem }) => [endpoint, problem])).toEqual([
    ['left', undefined],
    ['right', undefined],
    ['all', undefined],
  ]);
  expect(receipts?.books.reduce((sum, book) => sum + book.receipts, 0)).toBe(receipts?.charged);
  await stop(second.program);
  for (const secret of [ROOT, key, text]) expect(second.program.output()).not.toContain(secret);
});
