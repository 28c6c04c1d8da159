// What an origin meets on an open network: clients that are slow, requests that are malformed, and signatures that are not good. On a real socket.

import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateKeySets } from '../../src/formats/signing/generate-keys.ts';
import { openKeyRing, type KeyRing } from '../../src/formats/signing/key-ring.ts';
import { signRequest, type SignedRequest } from '../../src/formats/signing/request-signature.ts';
import { startOrigin, type Origin } from '../../src/origin/index.ts';
import { connectRaw, statusOf } from '../helpers/raw-http.ts';
import { matrix, texts } from './fake-app.ts';
import { createFakePredictor } from './fake-predictor.ts';

const PATH = '/v2/models/glue/versions/0123456789abcdef/infer';
const BODY = JSON.stringify({ id: 'q', inputs: [texts('text', 'abc'), matrix('mix', [[0.25, 0.5, 0]])] });
const SOCKETS = { headersTimeout: 150, requestTimeout: 400, connectionsCheckingInterval: 50 };
const logged: string[] = [];
let edge: KeyRing;
let trusting: Origin;
let open: Origin;

beforeAll(async () => {
  const sets = await generateKeySets('ed25519');
  edge = await openKeyRing(JSON.stringify(sets.edge), 'edge');
  const keys = await openKeyRing(JSON.stringify(sets.origin), 'origin');
  const options = { version: '0', maxDelayMs: 0, log: (line: string) => void logged.push(line) };
  trusting = await startOrigin({ predictors: [createFakePredictor()], trust: { keys, now: Date.now }, ...options });
  open = await startOrigin({ predictors: [createFakePredictor()], sockets: SOCKETS, ...options });
});
afterAll(() => Promise.all([trusting.close(), open.close()]));

const head = (origin: Origin, lines: readonly string[], path = PATH, method = 'POST'): string =>
  [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${origin.port}`, ...lines, '', ''].join('\r\n');
const JSON_BODY = ['Content-Type: application/json', `Content-Length: ${BODY.length}`];

describe('a slow client', () => {
  test('that never ends its headers is cut off', async () => {
    const { send, received } = connectRaw(open.url);
    send(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nX-Slow: `);
    expect(statusOf(await received())).toBe(408);
  });

  test('that trickles headers is cut off all the same', async () => {
    const { send, received, socket } = connectRaw(open.url);
    send(`POST ${PATH} HTTP/1.1\r\nHost: x\r\n`);
    const timer = setInterval(() => socket.writable && send('X-A: b\r\n'), 20);
    expect(statusOf(await received())).toBe(408);
    clearInterval(timer);
  });

  test('whose body does not come is told so at its deadline, and its connection closed', async () => {
    const { send, received } = connectRaw(open.url);
    send(head(open, [...JSON_BODY, 'x-request-deadline-ms: 60']));
    send(BODY.slice(0, 10));
    const answer = await received();
    expect([statusOf(answer), /^connection: close/im.test(answer), /x-error-code: request_timeout/i.test(answer)]).toEqual([
      408,
      true,
      true,
    ]);
  });

  test('whose body does not come, and that names no deadline, is cut off', async () => {
    const { send, received } = connectRaw(open.url);
    send(head(open, JSON_BODY));
    send(BODY.slice(0, 10));
    expect([0, 408]).toContain(statusOf(await received()));
  });

  test('does not keep others waiting', async () => {
    const slow = Array.from({ length: 50 }, () => connectRaw(open.url));
    for (const { send } of slow) send(head(open, [...JSON_BODY, 'x-request-deadline-ms: 300']) + BODY.slice(0, 10));
    const response = await fetch(open.url + PATH, { method: 'POST', headers: { 'content-type': 'application/json' }, body: BODY });
    expect(response.status).toBe(200);
    for (const { received } of slow) expect(statusOf(await received())).toBe(408);
  });
});

describe('a request that is two at once', () => {
  test.each([
    ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['a length with a sign', ['Content-Length: +5']],
    ['chunks in another spelling', ['Transfer-Encoding: xchunked']],
    ['a name with a space', ['Content-Length : 5']],
  ])('%s is refused', async (_, lines) => {
    const { send, received } = connectRaw(open.url);
    send(`${head(open, ['Content-Type: application/json', ...lines])}0\r\n\r\nGET /v2 HTTP/1.1\r\nHost: x\r\n\r\n`);
    const answer = await received();
    expect(statusOf(answer)).toBe(400);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('headers of more than 16 KB are refused', async () => {
    const { send, received } = connectRaw(open.url);
    send(head(open, [`X-Long: ${'a'.repeat(20_000)}`]));
    expect(statusOf(await received())).toBe(431);
  });
});

/** False once the other side has taken the bytes. */
function taken(socket: Socket, bytes: string): Promise<boolean> {
  return new Promise((resolve) => void socket.write(bytes, () => resolve(false)));
}

test('a body in chunks without a length is given up soon after the limit', async () => {
  const { send, received, socket } = connectRaw(open.url);
  send(head(open, ['Content-Type: application/json', 'Transfer-Encoding: chunked']));
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
  let sent = 0;
  const answered = received(/^HTTP/);
  // No further than the server reads: what is not taken yet is not sent either.
  while (sent < 400 && !(await Promise.race([answered.then(() => true), taken(socket, chunk)]))) sent += 1;
  expect(statusOf(await answered)).toBe(413);
  expect(sent).toBeLessThan(400);
  socket.destroy();
});

describe('without a good signature', () => {
  const signed = (change: { readonly now?: number; readonly path?: string } = {}): Promise<SignedRequest> =>
    signRequest(
      { keys: edge, now: () => change.now ?? Date.now(), nonce: () => crypto.randomUUID() },
      {
        method: 'POST',
        url: trusting.url + (change.path ?? PATH),
        headers: { 'content-type': 'application/json', 'x-request-id': 'r-7', 'x-request-deadline-ms': '5000' },
      },
      new TextEncoder().encode(BODY),
    );
  const send = async ({ url, headers }: SignedRequest, body = BODY): Promise<number> =>
    (await fetch(url, { method: 'POST', headers: { ...headers }, body })).status;

  test('a good one is let in: what follows is refused for what it changes', async () => {
    expect(await send(await signed())).toBe(200);
  });

  test.each([-40_000, -36_000, 6_500, 3_600_000])('one made %i ms from now is refused', async (ms) => {
    expect(await send(await signed({ now: Date.now() + ms }))).toBe(401);
  });

  test('from before the origin started is refused, though it is young enough', async () => {
    const sets = await generateKeySets('hmac-sha256');
    const keys = await openKeyRing(JSON.stringify(sets.edge), 'both');
    const before = Date.now() - 3_000;
    const fresh = await startOrigin({ predictors: [createFakePredictor()], version: '0', trust: { keys, now: Date.now }, log: () => {} });
    const request = async (now: number): Promise<number> =>
      send(
        await signRequest(
          { keys, now: () => now, nonce: () => crypto.randomUUID() },
          {
            method: 'POST',
            url: fresh.url + PATH,
            headers: { 'content-type': 'application/json', 'x-request-id': 'r', 'x-request-deadline-ms': '5000' },
          },
          new TextEncoder().encode(BODY),
        ),
      );
    expect([await request(before), await request(Date.now())]).toEqual([401, 200]);
    await fresh.close();
  });

  test.each([
    ['request id', { 'x-request-id': 'r-8' }],
    ['deadline', { 'x-request-deadline-ms': '6000' }],
    ['digest', { 'content-digest': 'sha-256=:AAAA:' }],
    ['split of the body', { 'inference-header-content-length': '10' }],
    ['signature', { signature: 'edge=:AAAA:' }],
    ['label', { 'signature-input': 'other=()' }],
  ])('one with another %s is refused', async (_, headers) => {
    const request = await signed();
    expect(await send({ ...request, headers: { ...request.headers, ...headers } })).toBe(401);
  });

  test.each(['signature', 'signature-input', 'content-digest'])('one without %s is refused', async (name) => {
    const request = await signed();
    const { [name]: _gone, ...headers } = request.headers;
    expect(await send({ ...request, headers })).toBe(401);
  });

  test('one for another origin is refused here', async () => {
    const request = await signed();
    expect(await send({ ...request, url: request.url.replace('127.0.0.1', 'localhost') })).toBe(401);
  });

  test.each([
    '/v2/health/../models/glue/infer',
    '/v2/health/%2e%2e/models/glue/infer',
    '/v2/health//models/glue/infer',
    '//v2/models/glue/infer',
    '/v2//models/glue/infer',
    '/V2/models/glue/infer',
    '/v2/models/glue/infer/',
    '/v2/models/glue/infer?x=/v2/health/ready',
    '/%76%32/models/glue/infer',
    '/v2%2fmodels/glue/infer',
    '/v2/health/live/../../models/glue/infer',
    'http://127.0.0.1/v2/models/glue/infer',
  ])('%s leads nowhere', async (path) => {
    const { send: write, received } = connectRaw(trusting.url);
    write(head(trusting, [...JSON_BODY, 'Connection: close'], path) + BODY);
    expect([400, 401, 404]).toContain(statusOf(await received()));
  });

  test('a body is not waited for', async () => {
    const { send: write, received, socket } = connectRaw(trusting.url);
    write(head(trusting, JSON_BODY));
    expect(statusOf(await received(/^HTTP/))).toBe(401);
    socket.destroy();
  });
});

test('none of it is a defect to log', () => {
  expect(logged).toEqual([]);
});
