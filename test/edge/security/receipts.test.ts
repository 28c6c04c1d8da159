// Receipts, from the origin to the edge: forged, replayed, expired, or for something else. Each is an answer that nobody gets and nobody pays.

import { beforeAll, describe, expect, test } from 'vitest';
import type { Receipt } from '../../../src/contract/receipt.ts';
import { generateKeySets } from '../../../src/formats/signing/generate-keys.ts';
import { openKeyRing, type KeyRing } from '../../../src/formats/signing/key-ring.ts';
import { signReceipt } from '../../../src/formats/signing/receipt.ts';
import type { SignedRequest } from '../../../src/formats/signing/request-signature.ts';
import { createPaidHarness } from '../accounts/harness.ts';
import { answer, CONFIG, type OriginCall } from '../helpers/harness.ts';

const TASK = { text: 'a', task: 'sst2' };
const ID = { 'x-request-id': 'r-1' };
const RECEIPT: Receipt = { id: 'r-1', config: CONFIG, rows: 1, tokens: 7, mix: { sst2: 1 } };

let edge: KeyRing;
let origin: KeyRing;
let stranger: KeyRing;
beforeAll(async () => {
  const sets = await generateKeySets('ed25519');
  edge = await openKeyRing(JSON.stringify(sets.edge), 'edge');
  origin = await openKeyRing(JSON.stringify(sets.origin), 'origin');
  stranger = await openKeyRing(JSON.stringify((await generateKeySets('ed25519')).origin), 'stranger');
});

interface Signing {
  readonly keys?: KeyRing;
  readonly now?: () => number;
  readonly receipt?: Receipt;
  readonly status?: number;
}

const requestOf = ({ url, headers }: OriginCall): SignedRequest => ({ method: 'POST', url, headers: Object.fromEntries(headers) });

/** A good answer with a receipt that is signed as told. */
async function signed(call: OriginCall, { keys = origin, now = Date.now, receipt = RECEIPT, status = 200 }: Signing = {}) {
  const body = new Uint8Array(await answer(call).arrayBuffer());
  return { body, headers: { ...(await signReceipt({ keys, now }, requestOf(call), status, body, receipt)) } };
}

function createSigned(respond: (call: OriginCall, number: number) => Promise<Response>) {
  return createPaidHarness({ signing: { keys: edge, now: Date.now, nonce: () => crypto.randomUUID() }, origin: respond });
}

const respond = ({ body, headers }: Awaited<ReturnType<typeof signed>>): Response => new Response(body, { headers });

test('a good one lets the answer through', async () => {
  const { customer } = createSigned(async (call) => respond(await signed(call)));
  expect((await (await customer()).predict(TASK, ID)).status).toBe(200);
});

const FORGERIES: readonly (readonly [string, (call: OriginCall) => Promise<Response>])[] = [
  ['none', async (call) => answer(call)],
  ['one by a stranger', async (call) => respond(await signed(call, { keys: stranger }))],
  ['one that is a minute old', async (call) => respond(await signed(call, { now: () => Date.now() - 66_000 }))],
  ['one from the future', async (call) => respond(await signed(call, { now: () => Date.now() + 10_000 }))],
  ['one for another status', async (call) => respond(await signed(call, { status: 201 }))],
  [
    'a body that was changed on the way',
    async (call) => {
      const { body, headers } = await signed(call);
      return new Response(new TextDecoder().decode(body).replace('[0,1,2]', '[2,1,0]'), { headers });
    },
  ],
  [
    'a receipt that was changed on the way',
    async (call) => {
      const { body, headers } = await signed(call, { receipt: { ...RECEIPT, tokens: 1 } });
      return new Response(body, { headers: { ...headers, 'x-receipt': JSON.stringify(RECEIPT) } });
    },
  ],
  [
    'a digest that was changed with the body',
    async (call) => {
      const { body, headers } = await signed(call);
      const other = new TextEncoder().encode(new TextDecoder().decode(body).replace('[0,1,2]', '[2,1,0]'));
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', other));
      return new Response(other, { headers: { ...headers, 'content-digest': `sha-256=:${btoa(String.fromCharCode(...hash))}:` } });
    },
  ],
  [
    'the request’s own signature sent back',
    async (call) => {
      const sent = Object.fromEntries(call.headers);
      return new Response(await answer(call).arrayBuffer(), {
        headers: { ...sent, 'x-receipt': JSON.stringify(RECEIPT) },
      });
    },
  ],
];

describe('refused and not paid', () => {
  test.each(FORGERIES)('%s', async (_, forge) => {
    const { customer } = createSigned(forge);
    const { predict, balance, held } = await customer(1_000);
    expect(await predict(TASK, ID)).toMatchObject({ status: 502, body: { error: { code: 'upstream' } } });
    expect([await balance(), await held()]).toEqual([1_000, 0]);
  });

  test('a replay: the whole answer to the same question asked before', async () => {
    let first: Response | undefined;
    const { customer } = createSigned(async (call) => {
      first ??= respond(await signed(call));
      return first.clone();
    });
    const { predict, balance } = await customer(1_000);
    expect((await predict(TASK, ID)).status).toBe(200);
    expect((await predict(TASK, ID)).status).toBe(502);
    expect(await balance()).toBe(1_000 - 16);
  });
});
