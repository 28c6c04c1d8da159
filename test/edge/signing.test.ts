// An edge that signs, before origins that give good receipts and bad ones. In workerd, so that its WebCrypto is the one that is tried.

import { describe, expect, test } from 'vitest';
import { generateKeySets } from '../../src/formats/signing/generate-keys.ts';
import { openKeyRing } from '../../src/formats/signing/key-ring.ts';
import { signReceipt } from '../../src/formats/signing/receipt.ts';
import { checkDigest, verifyRequest } from '../../src/formats/signing/request-signature.ts';
import type { Receipt } from '../../src/contract/receipt.ts';
import { ALL, answer, CONFIG, createHarness, type OriginCall } from './helpers/harness.ts';

const TASK = { text: 'a', task: 'sst2', explain: true };
const GOOD: Receipt = { id: 'r-1', config: CONFIG, rows: 1, tokens: 7, mix: { sst2: 1 } };

async function createSigned(algorithm: 'hmac-sha256' | 'ed25519', change: (receipt: Receipt) => Receipt = (receipt) => receipt) {
  const sets = await generateKeySets(algorithm);
  const edgeKeys = await openKeyRing(JSON.stringify(sets.edge), 'edge');
  const keys = await openKeyRing(JSON.stringify(sets.origin), 'origin');
  const seen = new Set<string>();
  const origin = async (call: OriginCall): Promise<Response> => {
    const request = { method: 'POST', url: call.url, headers: Object.fromEntries(call.headers) };
    await verifyRequest(
      { keys, now: Date.now, remember: (nonce) => !seen.has(nonce) && seen.add(nonce) !== undefined, sinceMs: 0 },
      request,
    );
    await checkDigest(request.headers, new TextEncoder().encode(JSON.stringify(call.body)));
    const given = answer(call);
    const body = new Uint8Array(await given.arrayBuffer());
    return new Response(body, { headers: { ...(await signReceipt({ keys, now: Date.now }, request, 200, body, change(GOOD))) } });
  };
  return { origin, signing: { keys: edgeKeys, now: Date.now, nonce: () => crypto.randomUUID() } };
}

test.each(['hmac-sha256', 'ed25519'] as const)('%s: requests are signed, and the receipt is told on request', async (algorithm) => {
  const { post, calls } = createHarness(await createSigned(algorithm));
  const id = { 'x-request-id': 'r-1' };
  expect(await post('/v1/predict', TASK, id)).toMatchObject({ status: 200, body: { explain: { receipt: GOOD } } });
  // Every attempt has a nonce of its own.
  expect((await post('/v1/predict', TASK, id)).status).toBe(200);
  expect(calls[0].headers.get('signature-input')).not.toBe(calls[1].headers.get('signature-input'));
});

describe('an answer is refused', () => {
  test.each<[string, (receipt: Receipt) => Receipt]>([
    ['of another config', (receipt) => ({ ...receipt, config: 'f'.repeat(16) })],
    ['to another request', (receipt) => ({ ...receipt, id: 'r-2' })],
    ['with another mix', (receipt) => ({ ...receipt, mix: { cola: 1 } })],
    ['with a part of the mix', (receipt) => ({ ...receipt, mix: { sst2: 0.9 } })],
    ['without a mix', ({ mix: _mix, ...receipt }) => receipt],
    ['with other usage', (receipt) => ({ ...receipt, tokens: 8 })],
    ['with rows that nobody asked for', (receipt) => ({ ...receipt, rows: 2 })],
  ])('%s, though its origin signs for it', async (_, change) => {
    const { post } = createHarness(await createSigned('hmac-sha256', change));
    expect(await post('/v1/predict', TASK, { 'x-request-id': 'r-1' })).toMatchObject({
      status: 502,
      body: { error: { code: 'upstream' } },
    });
  });

  test('without a receipt, and an honest endpoint is asked instead', async () => {
    const { origin, signing } = await createSigned('hmac-sha256');
    const { post, logged } = createHarness({
      signing,
      endpoints: [{ ...ALL, id: 'mute', url: 'http://mute.test' }, ALL],
      origin: (call) => (call.url.includes('mute') ? answer(call) : origin(call)),
    });
    expect(await post('/v1/predict', TASK, { 'x-request-id': 'r-1' })).toMatchObject({
      status: 200,
      body: { explain: { endpoint: 'all', attempts: 2 } },
    });
    expect(logged).toEqual([]);
  });

  test('with another’s receipt', async () => {
    const { signing } = await createSigned('ed25519');
    const { origin } = await createSigned('ed25519');
    const { post } = createHarness({
      signing,
      origin: (call) => origin(call).catch(() => Response.json({ error: 'unknown key' }, { status: 401 })),
    });
    expect((await post('/v1/predict', TASK)).status).toBe(502);
  });
});

test('an endpoint that does not know our key is left alone, and another is asked', async () => {
  const { origin, signing } = await createSigned('hmac-sha256');
  const { post, app } = createHarness({
    signing,
    endpoints: [{ ...ALL, id: 'old', url: 'http://old.test' }, ALL],
    origin: (call) => (call.url.includes('old') ? Response.json({ error: 'signature' }, { status: 401 }) : origin(call)),
  });
  expect((await post('/v1/predict', TASK, { 'x-request-id': 'r-1' })).status).toBe(200);
  expect(await (await app.request('/health')).json()).toMatchObject({
    endpoints: [
      { id: 'old', state: 'open' },
      { id: 'all', state: 'up' },
    ],
  });
});

test('what a caller sends in the names of our own headers goes no further', async () => {
  const { post, calls } = createHarness(await createSigned('hmac-sha256'));
  const spoofed = {
    'x-request-id': 'r-1',
    'x-request-deadline-ms': '1',
    'x-receipt': 'mine',
    'content-digest': 'sha-256=:AAAA:',
    signature: 'edge=:AAAA:',
    'signature-input': 'edge=()',
    'x-forwarded-host': 'elsewhere.test',
    authorization: 'Bearer secret',
  };
  expect((await post('/v1/predict', TASK, spoofed)).status).toBe(200);
  const sent = Object.fromEntries(calls[0].headers);
  expect(Object.keys(sent).sort()).toEqual([
    'content-digest',
    'content-type',
    'signature',
    'signature-input',
    'traceparent',
    'x-request-deadline-ms',
    'x-request-id',
  ]);
  expect(sent).toMatchObject({
    'x-request-deadline-ms': expect.stringMatching(/^(9\d\d|1000)$/),
    'signature-input': expect.stringMatching(/^edge=\("@method"/),
  });
});
