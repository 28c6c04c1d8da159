import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { PaymentPayload, X402 } from '../../../src/contract/x402.ts';
import { createFacilitator } from '../../../src/edge/x402/facilitator.ts';
import { termsFor } from '../../../src/edge/x402/terms.ts';
import { CONFIG } from './config.ts';

const NETWORK = CONFIG.assets[0].network;
const [requirements] = termsFor(z.parse(X402, CONFIG), 100);
const payment = z.parse(PaymentPayload, { x402Version: 2, accepted: requirements, payload: {} });
const PAYER = `0x${'ab'.repeat(20)}`;

function facilitator(answer: () => Response | Promise<Response>, change: object = {}) {
  const seen: Request[] = [];
  const made = createFacilitator(z.parse(X402, { ...CONFIG, verify_ms: 50, settle_ms: 50, ...change }), 'token', async (input, init) => {
    seen.push(new Request(input, init));
    init?.signal?.throwIfAborted();
    return Promise.race([
      answer(),
      new Promise<Response>((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))),
    ]);
  });
  const request = { payment, requirements };
  return { seen, verify: () => made.verify({ ...request, payer: PAYER }), settle: (again = false) => made.settle(request, again) };
}

test.each<[string, object, string]>([
  ['a success', { success: true, transaction: '0x1', network: NETWORK }, 'paid'],
  ['a success without a transaction', { success: true, transaction: '', network: NETWORK }, 'unclear'],
  ['a success on another network', { success: true, transaction: '0x1', network: 'eip155:1' }, 'unclear'],
  ['a refusal of the payment', { success: false, errorReason: 'insufficient_funds', transaction: '', network: NETWORK }, 'refused'],
  ['a refusal with a transaction', { success: false, errorReason: 'invalid_signature', transaction: '0x1', network: NETWORK }, 'unclear'],
  ['a failed transfer', { success: false, errorReason: 'transaction_failed', transaction: '', network: NETWORK }, 'unclear'],
  ['a transfer in a bad state', { success: false, errorReason: 'invalid_transaction_state', transaction: '', network: NETWORK }, 'unclear'],
  ['a refusal without a reason', { success: false, transaction: '', network: NETWORK }, 'unclear'],
  ['half an answer', { success: true }, 'unclear'],
])('settling is %s', async (_, answer, kind) => {
  for (const status of [200, 400, 500]) {
    const { settle, seen } = facilitator(() => Response.json(answer, { status }));
    expect((await settle()).kind).toBe(kind);
    expect([seen[0]?.url, seen[0]?.headers.get('authorization')]).toEqual(['https://facilitator.test/x402/settle', 'Bearer token']);
  }
});

test.each<[string, () => Response | Promise<Response>]>([
  ['nothing', () => new Promise<Response>(() => undefined)],
  ['a lost connection', () => Promise.reject(new Error('lost'))],
  ['a page', () => new Response('<html>')],
  ['a flood', () => new Response('x'.repeat(100_000))],
  ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.test' } })],
])('of %s nothing is known', async (_, answer) => {
  expect((await facilitator(answer).settle()).kind).toBe('unclear');
  expect((await facilitator(answer).verify()).kind).toBe('failed');
});

test('what a facilitator says of a payment that it made counts only after a call without an answer, and where the operator says so', async () => {
  const answer = (): Response => Response.json({ success: false, errorReason: 'nonce_used', transaction: '', network: NETWORK });
  const told = { settled_reasons: ['nonce_used'] };
  expect((await facilitator(answer, told).settle(true)).kind).toBe('paid');
  expect((await facilitator(answer, told).settle(false)).kind).toBe('unclear');
  expect((await facilitator(answer).settle(true)).kind).toBe('unclear');
});

test('verifying tells good, refused and neither', async () => {
  expect(await facilitator(() => Response.json({ isValid: true })).verify()).toEqual({ kind: 'good' });
  expect(await facilitator(() => Response.json({ isValid: true, payer: PAYER.toUpperCase().replace('X', 'x') })).verify()).toEqual({
    kind: 'good',
  });
  expect(await facilitator(() => Response.json({ isValid: true, payer: '0x01' })).verify()).toMatchObject({
    kind: 'failed',
    code: 'upstream',
  });
  expect(await facilitator(() => Response.json({ isValid: false, invalidReason: 'bad\nstack' }, { status: 400 })).verify()).toEqual({
    kind: 'refused',
    reason: 'bad',
  });
});
