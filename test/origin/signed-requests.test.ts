// An origin that trusts only what an edge has signed, on a real socket.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateKeySets } from '../../src/formats/signing/generate-keys.ts';
import { openKeyRing, type KeyRing } from '../../src/formats/signing/key-ring.ts';
import { verifyReceipt } from '../../src/formats/signing/receipt.ts';
import { signRequest, type SignedRequest } from '../../src/formats/signing/request-signature.ts';
import { startOrigin, type Origin } from '../../src/origin/index.ts';
import { createNonces } from '../../src/origin/nonces.ts';
import { matrix, texts } from './fake-app.ts';
import { createFakePredictor } from './fake-predictor.ts';

const BODY = { id: 'q', inputs: [texts('text', 'abc'), matrix('mix', [[0.25, 0.5, 0]])] };
const logged: string[] = [];
let edgeKeys: KeyRing;
let origin: Origin;

beforeAll(async () => {
  const sets = await generateKeySets('ed25519');
  edgeKeys = await openKeyRing(JSON.stringify(sets.edge), 'edge');
  const keys = await openKeyRing(JSON.stringify(sets.origin), 'origin');
  origin = await startOrigin({
    predictors: [createFakePredictor()],
    version: '0',
    maxDelayMs: 0,
    trust: { keys, now: Date.now },
    log: (line) => logged.push(line),
  });
});

afterAll(() => origin.close());

const context = (keys: KeyRing) => ({ keys, now: Date.now, nonce: () => crypto.randomUUID() });

function sign(body: string, keys = edgeKeys): Promise<SignedRequest> {
  const headers = { 'content-type': 'application/json', 'x-request-id': 'r-7', 'x-request-deadline-ms': '5000' };
  const url = `${origin.url}/v2/models/glue/versions/0123456789abcdef/infer`;
  return signRequest(context(keys), { method: 'POST', url, headers }, new TextEncoder().encode(body));
}

const send = ({ url, method, headers }: SignedRequest, body: string): Promise<Response> =>
  fetch(url, { method, headers: { ...headers }, body });

describe('a signed request', () => {
  test('is answered with a receipt of config, mix and usage', async () => {
    const body = JSON.stringify(BODY);
    const request = await sign(body);
    const response = await send(request, body);
    expect(response.status).toBe(200);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const answer = { status: response.status, headers: Object.fromEntries(response.headers) };
    expect(await verifyReceipt(context(edgeKeys), request, answer, bytes)).toEqual({
      id: 'r-7',
      config: '0123456789abcdef',
      rows: 1,
      tokens: 1,
      mix: { cola: 0.25, mnli: 0.5 },
    });
  });

  test('leaves as it was signed, uncompressed', async () => {
    const many = Array.from({ length: 64 }, () => 'abc');
    const body = JSON.stringify({ inputs: [texts('text', ...many), texts('head', ...many.map(() => 'cola'))] });
    const response = await send(await sign(body), body);
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(2_048);
    // Node's fetch accepts gzip unless told otherwise.
    expect(response.headers.get('content-encoding')).toBeNull();
  });

  test('of many rows has a receipt for their sum; binary answers too', async () => {
    const body = JSON.stringify({
      inputs: [texts('text', 'abc', 'de f'), texts('head', 'cola', 'mnli')],
      parameters: { binary_data_output: true },
    });
    const request = await sign(body);
    const response = await send(request, body);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    const bytes = new Uint8Array(await response.arrayBuffer());
    const answer = { status: response.status, headers: Object.fromEntries(response.headers) };
    const receipt = await verifyReceipt(context(edgeKeys), request, answer, bytes);
    expect(receipt).toEqual({ id: 'r-7', config: '0123456789abcdef', rows: 2, tokens: expect.any(Number) });
  });
});

describe('is refused with 401', () => {
  const body = JSON.stringify(BODY);

  test('a replay', async () => {
    const request = await sign(body);
    expect((await send(request, body)).status).toBe(200);
    const again = await send(request, body);
    expect([again.status, again.headers.get('x-error-code')]).toEqual([401, 'unauthorized']);
  });

  test('another body', async () => {
    expect((await send(await sign(body), JSON.stringify({ ...BODY, id: 'r' }))).status).toBe(401);
  });

  test('another path', async () => {
    const request = await sign(body);
    expect((await send({ ...request, url: request.url.replace('/versions/0123456789abcdef', '') }, body)).status).toBe(401);
  });

  test('an unknown key', async () => {
    const { edge } = await generateKeySets('hmac-sha256');
    expect((await send(await sign(body, await openKeyRing(JSON.stringify(edge), 'other')), body)).status).toBe(401);
  });

  test.each([
    ['POST', '/v2/models/glue/infer'],
    ['GET', '/v2/models/glue'],
    ['GET', '/v2'],
    ['POST', '/v2/repository/index'],
  ])('%s %s without a signature, before anything else is looked at', async (method, path) => {
    const response = await fetch(origin.url + path, { method, ...(method === 'POST' && { body: '{ not read' }) });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain('signature: expected a fresh one');
  });
});

test('health is told to anybody, and refusals are no defects to log', async () => {
  expect((await fetch(`${origin.url}/v2/health/live`)).status).toBe(200);
  expect((await fetch(`${origin.url}/v2/health/ready`)).status).toBe(200);
  expect(logged).toEqual([]);
});

test('nonces are remembered for one to two periods, and a full memory refuses rather than forgets', () => {
  let nowMs = 0;
  const remember = createNonces(100, 3, () => nowMs);
  expect(['a', 'b', 'a'].map((nonce) => remember(nonce))).toEqual([true, true, false]);
  nowMs = 150;
  expect(remember('a')).toBe(false);
  expect(remember('c')).toBe(true);
  nowMs = 250;
  expect(remember('a')).toBe(true);
  expect(remember('c')).toBe(false);
  expect(remember('d')).toBe(true);
  expect(remember('e')).toBe(true);
  expect(() => remember('f')).toThrow('expected at most 3 signed requests');
  nowMs = 1000;
  expect(remember('e')).toBe(true);
});
