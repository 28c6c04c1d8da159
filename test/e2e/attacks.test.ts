// The whole Worker in workerd on a real socket, before what no well-behaved client sends.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import type { RunningEdge } from '../../src/cli/dev/start-edge.ts';
import { openPack } from '../../src/formats/pack.ts';
import { createSha256, openFolder } from '../../src/host/files.ts';
import { adminOf, openCustomer } from '../helpers/customer.ts';
import { listen, type Listening } from '../helpers/listen.ts';
import { prepareEdge, type PreparedEdge } from '../helpers/prepare-edge.ts';
import { connectRaw, statusOf } from '../helpers/raw-http.ts';
import { buildTinyPack, makeTinyInputs } from '../helpers/tiny-pack.ts';

const ROOT = 'a root secret for this test, long enough';
let prepared: PreparedEdge;
let edge: RunningEdge;
/** An origin that takes its time, and tells who asked. */
let origin: Listening;
let asked = 0;
let ended = 0;

beforeAll(async () => {
  const inputs = await makeTinyInputs();
  const folder = await openFolder(await buildTinyPack(inputs));
  prepared = await prepareEdge([await openPack(folder, createSha256)]);
  await folder.close();
  await inputs.models.remove();
  origin = await listen((request, response) => {
    asked += 1;
    request.resume();
    response.on('close', () => void (ended += 1));
    setTimeout(() => response.writeHead(500).end(), 1_500);
  });
  edge = await prepared.start(
    { slow: origin.url },
    {
      ADMIN_SECRET: ROOT,
      PRICES: JSON.stringify({ answer: { request: 100 } }),
      UPSTREAM: JSON.stringify({ request_ms: 2_500, attempt_ms: 2_000, attempts: 1, in_flight: 8 }),
    },
  );
});

afterAll(async () => {
  await edge.close();
  await origin.close();
  await prepared.remove();
});

const admin = adminOf(() => edge.url, ROOT);
const customer = () => openCustomer(admin, 1_000_000, ['predict']);

const head = (key: string, lines: readonly string[], path = '/v1/predict'): string =>
  [`POST ${path} HTTP/1.1`, 'Host: edge', `Authorization: Bearer ${key}`, 'Content-Type: application/json', ...lines, '', ''].join('\r\n');

describe('a slow caller', () => {
  test('is answered at its deadline, and leaves its place to others', async () => {
    const { key } = await customer();
    const slow = Array.from({ length: 8 }, () => connectRaw(edge.url));
    for (const { send } of slow) send(head(key, ['Content-Length: 100', 'x-request-timeout-ms: 400']) + '{"text": "');
    for (const { received, socket } of slow) {
      const answer = await received(/request_timeout|overloaded/);
      expect(statusOf(answer)).toBe(408);
      socket.destroy();
    }
    const response = await fetch(`${edge.url}/v1/predict`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: '{"text": ""}',
    });
    expect(response.status).toBe(400);
  });

  test('that hangs up half way holds nothing', async () => {
    const { id, key } = await customer();
    const { send, socket } = connectRaw(edge.url);
    send(head(key, ['Content-Length: 100']) + '{"text": "');
    await new Promise((resolve) => void setTimeout(resolve, 200));
    socket.destroy();
    expect(await admin(z.object({ held_micros: z.number() }), `accounts/${id}`)).toEqual({ held_micros: 0 });
  });
});

test('a caller who hangs up on its answer has nothing held for longer than the work takes', async () => {
  const { id, key } = await customer();
  const held = async (): Promise<number> => (await admin(z.object({ held_micros: z.number() }), `accounts/${id}`)).held_micros;
  const before = { asked, ended };
  const controller = new AbortController();
  const response = fetch(`${edge.url}/v1/predict`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: '{"text": "birds", "task": "birds"}',
    signal: controller.signal,
  });
  response.catch(() => undefined);
  await expect.poll(() => asked, { timeout: 20_000 }).toBe(before.asked + 1);
  expect(await held()).toBe(100);
  controller.abort();
  await expect.poll(() => ended, { timeout: 20_000 }).toBe(before.ended + 1);
  await expect.poll(held, { timeout: 5_000 }).toBe(0);
});

describe('a body', () => {
  test('in chunks without a length is refused beyond the limit', async () => {
    const { key } = await customer();
    const { send, received, socket } = connectRaw(edge.url);
    const answered = received(/too_large/);
    send(head(key, ['Transfer-Encoding: chunked']));
    for (let i = 0; i < 20 && socket.writable; i++) send(`10000\r\n${' '.repeat(0x10000)}\r\n`);
    send('0\r\n\r\n');
    expect(statusOf(await answered)).toBe(413);
    socket.destroy();
  });

  test('that nests too deep is refused, also under an idempotency key', async () => {
    const { key } = await customer();
    for (const body of ['['.repeat(500_000), `{"inputs": [${'['.repeat(200_000)}${']'.repeat(200_000)}]}`]) {
      const response = await fetch(`${edge.url}/v1/predict`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': 'deep' },
        body,
      });
      expect(response.status).toBe(400);
    }
  });
});

describe('a request that is two at once, or none', () => {
  test.each([
    ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['a length that is none', ['Content-Length: 5x']],
    ['a line break in an id', ['Content-Length: 12', 'x-request-id: a\nx-injected: b']],
  ])('%s: nothing is smuggled', async (_, lines) => {
    const { key } = await customer();
    const { send, received, socket } = connectRaw(edge.url);
    const before = asked;
    send(`${head(key, lines)}{"text": ""}0\r\n\r\n`);
    const answer = await Promise.race([
      received(/HTTP\/1\.1 \d{3}[^]*\r\n\r\n/),
      new Promise<string>((resolve) => void setTimeout(resolve, 3_000, '')),
    ]);
    expect(answer).not.toMatch(/^x-injected/im);
    expect([0, 400, 401, 408, 500]).toContain(statusOf(answer));
    expect(asked).toBe(before);
    socket.destroy();
  });

  test.each(['/v1/./predict', '/v1/%2e%2e/v1/predict', '//v1/predict', '/v1/predict/', '/health/../admin/v1/accounts'])(
    '%s without a key leads nowhere',
    async (path) => {
      const { send, received } = connectRaw(edge.url);
      send(
        `POST ${path} HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"text":"a"}`,
      );
      expect([400, 401, 404]).toContain(statusOf(await received(/HTTP\/1\.1 \d{3}/)));
    },
  );
});
