// The client against the Worker in workerd: real sockets, so that a reader who hangs up is one.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { writeEdgeAssets } from '../../src/build/edge-assets.ts';
import { bundleWorker } from '../../src/cli/dev/bundle-worker.ts';
import { startEdge, type RunningEdge } from '../../src/cli/dev/start-edge.ts';
import { ApiError, createClient, type AnswerFacts, type Client } from '../../src/client/index.ts';
import { openPack } from '../../src/formats/pack.ts';
import { createSha256, openFolder, type HostFolder } from '../../src/host/files.ts';
import { startOrigin, type Origin } from '../../src/origin/index.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import { buildTinyPack, makeTinyInputs, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';

const ROOT = 'a root secret for this test, long enough';
const PRICES = { answer: { request: 100 } };
const CREDIT = 1e6;
/** Texts that begin so are never answered. */
const STUCK = 'stuck';

let inputs: TinyInputs;
let folder: HostFolder;
let work: string;
let origin: Origin;
let proxy: Server;
let edge: RunningEdge;
let givenUp = 0;

/** An origin that some texts never leave. */
async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body = Buffer.concat(chunks);
  if (body.includes(`"${STUCK}`)) {
    response.on('close', () => void (givenUp += 1));
    return;
  }
  const answer = await fetch(origin.url + (request.url ?? ''), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
}

beforeAll(async () => {
  inputs = await makeTinyInputs();
  work = await mkdtemp(join(tmpdir(), 'twinroute-client-'));
  folder = await openFolder(await buildTinyPack(inputs));
  const pack = await openPack(folder, createSha256);
  origin = await startOrigin({ predictors: [await loadPredictor(pack, undefined, { threads: 1 })], version: 'test', log: () => undefined });
  proxy = createServer((request, response) => void pass(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const assetsFolder = join(work, 'assets');
  await writeEdgeAssets([pack], assetsFolder, createSha256);
  edge = await startEdge({
    bundle: await bundleWorker(join(work, 'worker')),
    assetsFolder,
    endpoints: [{ id: 'proxy', url: `http://127.0.0.1:${port}`, experts: '*' }],
    variables: { ADMIN_SECRET: ROOT, PRICES: JSON.stringify(PRICES) },
    port: 0,
  });
});

afterAll(async () => {
  await edge.close();
  proxy.closeAllConnections();
  proxy.close();
  await origin.close();
  await folder.close();
  await inputs.models.remove();
  await rm(work, { recursive: true, force: true });
});

async function admin<T extends z.core.$ZodType>(schema: T, path: string, body: object): Promise<z.core.output<T>> {
  const response = await fetch(`${edge.url}/admin/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return z.parse(schema, await response.json());
}

/** A client with an account of its own. */
async function customer(): Promise<Client> {
  const { id } = await admin(z.object({ id: z.string() }), 'accounts', { name: 'customer' });
  await admin(z.unknown(), `accounts/${id}/credits`, { id: 'one', micros: CREDIT });
  const scopes = ['predict', 'route', 'feedback', 'admin-read'];
  const { key } = await admin(z.object({ key: z.string() }), `accounts/${id}/keys`, { name: 'k', scopes, requests_per_minute: 1000 });
  return createClient({ url: edge.url, key });
}

const texts = (count: number) => Array.from({ length: count }, (_, i) => ({ text: tinyText('birds', i), task: 'birds' }));

test('every operation, as an account', async () => {
  const client = await customer();
  let facts: AnswerFacts | undefined;
  const answer = await client.predict(texts(1)[0], { onAnswer: (given) => void (facts = given) });
  expect(answer.task).toBe('birds');
  expect(facts).toMatchObject({ attempts: 1, usage: { micros: 100, balanceMicros: CREDIT - 100 }, rate: { limit: 1000, remaining: 999 } });
  expect((await client.predictBatch(texts(3))).predictions).toHaveLength(3);
  expect((await client.route({ text: 'a' })).scores.length).toBeGreaterThan(0);
  const { configs } = await client.configs();
  expect((await client.experts(configs[0].config)).experts.map(({ name }) => name)).toContain('birds');
  expect((await client.usage()).balance_micros).toBe(CREDIT - 400);
  expect((await client.statement({ limit: 1 })).lines).toHaveLength(1);
  expect((await client.prices()).answer.request).toBe(100);
  expect((await client.experiments()).experiments).toEqual([]);
  await expect(client.experiment('none')).rejects.toMatchObject({ status: 404 });
  await expect(client.feedback({ request_id: answer.id, outcome: 1 }, { retries: 0 })).rejects.toBeInstanceOf(ApiError);
});

test('one name is one charge', async () => {
  const client = await customer();
  const named = { idempotencyKey: 'order-1' };
  const first = await client.predict(texts(1)[0], named);
  let replayed = false;
  const again = await client.predict(texts(1)[0], { ...named, onAnswer: (facts) => void ({ replayed } = facts) });
  expect([again, replayed]).toEqual([first, true]);
  expect((await client.usage()).balance_micros).toBe(CREDIT - 100);
});

describe('a stream', () => {
  test('answers all inputs and is charged once', async () => {
    const client = await customer();
    const places = new Set<number>();
    for await (const line of client.predictStream(texts(40))) {
      if ('index' in line) places.add(line.index);
      else expect(line.summary).toMatchObject({ answers: 40, failures: 0, charge: { micros: 4000 } });
    }
    expect(places.size).toBe(40);
    expect(await client.usage()).toMatchObject({ balance_micros: CREDIT - 4000, held_micros: 0 });
  });

  test('that its reader leaves is charged for what was handed over, within a moment; its requests to origins end', async () => {
    const client = await customer();
    givenUp = 0;
    const stuck = Array.from({ length: 6 }, (_, i) => ({ text: `${STUCK} ${i}`, task: 'birds' }));
    let lines = 0;
    for await (const line of client.predictStream([...texts(3), ...stuck], { timeoutMs: 9_000 })) {
      expect(line).toHaveProperty('prediction');
      lines += 1;
      if (lines === 3) break;
    }
    await vi.waitFor(async () => expect(await client.usage()).toMatchObject({ balance_micros: CREDIT - 300, held_micros: 0 }), {
      timeout: 5_000,
    });
    await vi.waitFor(() => expect(givenUp).toBe(6));
    const { lines: entries } = await client.statement();
    expect(entries).toMatchObject([{ state: 'settled', charged_micros: 300, usage: { answers: 3 } }]);
  });
});
