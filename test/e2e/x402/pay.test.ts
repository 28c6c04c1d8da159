// Requests without a key, paid for one by one with the public client library.

import { request } from 'node:http';
import { decodePaymentResponseHeader, type PaymentPayload } from '@x402/fetch';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { PredictBatch, Prediction } from '../../../src/contract/http.ts';
import { FACILITATOR, type Fault } from '../../helpers/facilitator.ts';
import { tinyText } from '../../helpers/tiny-pack.ts';
import { createBuyer, NETWORK, PAY_TO, PRICES, ROOT, startPaidEdge, TOKEN, X402, type PaidEdge } from './paid-edge.ts';

let edge: PaidEdge;

beforeAll(async () => {
  edge = await startPaidEdge();
});
afterAll(() => edge.close());
beforeEach(() => {
  edge.facilitator.script = () => 'none';
  edge.facilitator.idempotent = true;
  edge.facilitator.transfers.length = 0;
  edge.facilitator.calls.length = 0;
  edge.origin.calls = 0;
  edge.origin.down = false;
});

let count = 0;
/** A request that no other test makes. */
const question = (): { readonly text: string; readonly task: string } => ({
  text: `${tinyText('stars', count++)} ${count}`,
  task: 'stars',
});
/** What a question costs at most: a token for every byte. */
const boundOf = ({ text }: { readonly text: string }): number => 100 + text.length + 8;
const Outputs = z.object({ outputs: z.array(z.unknown()) });
const Refusal = z.object({ error: z.object({ code: z.string(), details: z.optional(z.record(z.string(), z.unknown())) }) });
const told = async (response: Response): Promise<unknown> => {
  const { error } = z.parse(Refusal, await response.json());
  return { status: response.status, code: error.code, ...error.details };
};
const settles = (): number => edge.facilitator.calls.filter(({ path }) => path === 'settle').length;

describe('the public client library', () => {
  test('pays the highest price by exact, and is answered', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const bound = boundOf(body);
    expect(await buyer.quote(body)).toMatchObject({
      x402Version: 2,
      resource: { url: `${edge.url()}/v1/predict` },
      accepts: [
        { scheme: 'exact', amount: String(bound), payTo: PAY_TO },
        { scheme: 'upto', amount: String(bound), extra: { facilitatorAddress: FACILITATOR } },
      ],
    });
    const response = await buyer.fetch(`${edge.url()}/v1/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
    z.parse(Prediction, await response.json());
    const receipt = decodePaymentResponseHeader(response.headers.get('payment-response') ?? '');
    const [transfer] = edge.facilitator.transfers;
    expect(receipt).toMatchObject({ success: true, network: NETWORK, transaction: transfer?.transaction });
    expect(response.headers.get('x-usage-micros')).toBe(String(bound));
    expect(edge.facilitator.transfers).toMatchObject([{ amount: BigInt(bound), from: buyer.address, to: PAY_TO }]);
    const calls = edge.facilitator.calls.map(({ path, authorization }) => `${path} ${authorization ?? ''}`);
    expect(calls).toEqual([`verify Bearer ${TOKEN}`, `settle Bearer ${TOKEN}`]);
  });

  test('signs the highest price by upto, and pays what was used', async () => {
    const buyer = createBuyer(edge, 'upto');
    const body = question();
    const response = await buyer.fetch(`${edge.url()}/v1/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
    const { usage } = z.parse(Prediction, await response.json());
    const micros = 100 + usage.tokens;
    expect(micros).toBeLessThan(boundOf(body));
    expect(edge.facilitator.transfers).toMatchObject([{ amount: BigInt(micros) }]);
    expect(response.headers.get('x-usage-micros')).toBe(String(micros));
  });

  test('pays for a batch and for routing', async () => {
    const buyer = createBuyer(edge, 'upto');
    const batch = { inputs: [question(), { text: '' }, question()] };
    const answered = await buyer.pay(batch, await buyer.sign(batch));
    expect(answered.status).toBe(200);
    const { predictions } = z.parse(PredictBatch, await answered.json());
    expect(predictions.map((one) => 'error' in one)).toEqual([false, true, false]);
    const routed = { text: 'where to?' };
    const asked = await buyer.quote(routed, '/v1/route');
    expect(asked.accepts[0]).toMatchObject({ amount: String(PRICES.route) });
    const signature = buyer.encode(await buyer.client.createPaymentPayload(asked));
    expect((await buyer.post(routed, { 'payment-signature': signature }, '/v1/route')).status).toBe(200);
    expect(edge.facilitator.transfers.map(({ amount }) => amount)).toContain(BigInt(PRICES.route));
    // What was signed for one route is in use for another.
    expect(await told(await buyer.pay(question(), signature))).toMatchObject({ status: 409 });
  });
});

test('the Open Inference Protocol is paid for in the same way', async () => {
  const buyer = createBuyer(edge);
  const path = '/v2/models/tiny/infer';
  const body = { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: [`${tinyText('stars', count++)} ${count}`] }] };
  const asked = await buyer.quote(body, path);
  const headers = { 'payment-signature': buyer.encode(await buyer.client.createPaymentPayload(asked)) };
  const first = await buyer.post(body, headers, path);
  const { outputs } = z.parse(Outputs, await first.json());
  expect([first.status, outputs.length > 0, first.headers.has('payment-response')]).toEqual([200, true, true]);
  const again = await buyer.post(body, headers, path);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(z.parse(Outputs, await again.json()).outputs).toEqual(outputs);
  expect([edge.origin.calls, edge.facilitator.transfers.length]).toEqual([1, 1]);
});

test('answers that would leave in parts, before they are paid, are not sold', async () => {
  const buyer = createBuyer(edge);
  const body = { inputs: [question()] };
  const lines = await buyer.post(body, { accept: 'application/x-ndjson', 'payment-signature': await buyer.sign(body) });
  expect(await told(lines)).toMatchObject({ status: 501 });
  expect([edge.origin.calls, settles()]).toEqual([0, 0]);
});

describe('one payment', () => {
  test('sent again for the same request gets the same answer, works and pays once', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const signature = await buyer.sign(body);
    const first = await buyer.pay(body, signature);
    const again = await buyer.pay({ task: body.task, text: body.text }, signature);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(await again.text()).toBe(await first.text());
    expect(again.headers.get('payment-response')).toBe(first.headers.get('payment-response'));
    expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([null, 'true']);
    expect([edge.origin.calls, edge.facilitator.transfers.length, settles()]).toEqual([1, 1, 1]);
  });

  test('is refused for another request', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const signature = await buyer.sign(body);
    expect((await buyer.pay(body, signature)).status).toBe(200);
    expect(await told(await buyer.pay(question(), signature))).toMatchObject({ status: 409, code: 'conflict', state: 'other_request' });
    expect(edge.origin.calls).toBe(1);
  });

  test('that is dressed up differently is the same payment', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const payload = await buyer.client.createPaymentPayload(await buyer.quote(body));
    expect((await buyer.pay(body, buyer.encode(payload))).status).toBe(200);
    const { signature } = z.parse(z.object({ signature: z.string() }), payload.payload);
    for (const dress of [
      { ...payload, resource: { url: 'http://elsewhere.test/' } },
      { ...payload, more: 1 },
      { ...payload, payload: { ...payload.payload, signature: signature.toUpperCase().replace('0X', '0x') } },
    ])
      expect(await told(await buyer.pay(body, buyer.encode(dress)))).toMatchObject({ status: 409 });
    expect([edge.origin.calls, edge.facilitator.transfers.length]).toEqual([1, 1]);
  });

  test('is not hindered by a forger who knows its nonce, before, beside or after', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const payload = await buyer.client.createPaymentPayload(await buyer.quote(body));
    const signature = buyer.encode(payload);
    const forged = buyer.encode({ ...payload, payload: { ...payload.payload, signature: `0x${'11'.repeat(64)}1b` } });
    expect((await buyer.pay(body, forged)).status).toBe(402);
    const [beside, own] = await Promise.all([buyer.pay(body, forged), buyer.pay(body, signature)]);
    expect(own.status).toBe(200);
    expect([402, 409]).toContain(beside.status);
    expect((await buyer.pay(body, forged)).status).toBe(409);
    expect([edge.origin.calls, edge.facilitator.transfers.length]).toEqual([1, 1]);
  });

  test('sent many times at once is worked for and paid once', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const signature = await buyer.sign(body);
    const responses = await Promise.all(Array.from({ length: 12 }, () => buyer.pay(body, signature)));
    const statuses = new Set(responses.map(({ status }) => status));
    expect(statuses).toContain(200);
    for (const response of responses) {
      if (response.status !== 200) expect(await told(response)).toMatchObject({ status: 409, state: 'reserved' });
    }
    const answers = await Promise.all(responses.filter(({ status }) => status === 200).map((response) => response.text()));
    expect(new Set(answers).size).toBe(1);
    expect([edge.origin.calls, edge.facilitator.transfers.length, settles()]).toEqual([1, 1, 1]);
  });

  test('has an id of the caller: the same id is the same payment, or a conflict', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const named = (id: string) => (payload: PaymentPayload) => ({
      ...payload,
      extensions: { ...payload.extensions, 'payment-identifier': { info: { required: false, id } } },
    });
    const id = `pay_${count}_0123456789abcdef`;
    const signature = await buyer.sign(body, named(id));
    expect((await buyer.pay(body, signature)).status).toBe(200);
    expect((await buyer.pay(body, signature)).headers.get('idempotent-replayed')).toBe('true');
    // Signed anew, under the same name.
    expect(await told(await buyer.pay(body, await buyer.sign(body, named(id))))).toMatchObject({ status: 409 });
    expect(await told(await buyer.pay(body, await buyer.sign(body, named('short'))))).toMatchObject({ status: 400 });
    expect(edge.facilitator.transfers).toHaveLength(1);
  });
});

describe('work that fails', () => {
  test('costs nothing, and leaves the payment as good as before', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const signature = await buyer.sign(body);
    edge.origin.down = true;
    expect((await buyer.pay(body, signature)).status).toBeGreaterThanOrEqual(500);
    expect([settles(), edge.facilitator.transfers.length]).toEqual([0, 0]);
    edge.origin.down = false;
    await vi.waitFor(async () => expect((await buyer.pay(body, signature)).status).toBe(200), { timeout: 20_000, interval: 500 });
    expect(edge.facilitator.transfers).toHaveLength(1);
  });

  test('costs nothing where all of a batch failed', async () => {
    const buyer = createBuyer(edge);
    const batch = { inputs: [{ text: 'a', task: 'unheard' }, { text: '' }] };
    const response = await buyer.pay(batch, await buyer.sign(batch));
    expect([response.status, settles(), response.headers.get('payment-response')]).toEqual([200, 0, null]);
  });
});

describe('a payment that is none', () => {
  test.each([
    ['no base64', '***'],
    ['no JSON', btoa('{')],
    ['another version', btoa(JSON.stringify({ x402Version: 1, scheme: 'exact', network: 'base', payload: {} }))],
    ['too long', btoa('x'.repeat(20_000))],
    ['deep', btoa('['.repeat(5_000))],
    ['empty', ''],
  ])('is refused as malformed: %s', async (_, header) => {
    const buyer = createBuyer(edge);
    expect(await told(await buyer.pay(question(), header))).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(edge.facilitator.calls).toEqual([]);
  });

  type Change = (payload: PaymentPayload) => PaymentPayload;
  const authorization =
    (change: object): Change =>
    (payload) => {
      const inner = z.parse(z.looseObject({ authorization: z.looseObject({}) }), payload.payload);
      return { ...payload, payload: { ...inner, authorization: { ...inner.authorization, ...change } } };
    };
  const accepted =
    (change: object): Change =>
    (payload) => ({ ...payload, accepted: { ...payload.accepted, ...change } });
  test.each<[string, Change, number]>([
    ['a smaller amount', authorization({ value: '1' }), 402],
    ['another recipient', authorization({ to: FACILITATOR }), 402],
    ['expired', authorization({ validBefore: '1700000000' }), 402],
    ['about to expire', authorization({ validBefore: String(Math.floor(Date.now() / 1000) + 3) }), 402],
    ['not good yet', authorization({ validAfter: '4700000000' }), 402],
    ['another nonce than was signed', authorization({ nonce: `0x${'ab'.repeat(32)}` }), 402],
    ['another payer than signed', authorization({ from: PAY_TO }), 402],
    ['a nonce that is none', authorization({ nonce: '0x00' }), 400],
    ['terms of a smaller amount', accepted({ amount: '1' }), 402],
    ['terms of another recipient', accepted({ payTo: FACILITATOR }), 402],
    ['terms of another network', accepted({ network: 'eip155:1' }), 402],
    ['a network of another kind', accepted({ network: 'solana:mainnet' }), 400],
    ['a scheme that was not offered', accepted({ scheme: 'deferred' }), 400],
    ['a payload of another scheme', accepted({ scheme: 'upto' }), 400],
  ])('is refused: %s', async (_, change, status) => {
    const buyer = createBuyer(edge);
    const body = question();
    const response = await buyer.pay(body, await buyer.sign(body, change));
    expect(response.headers.has('payment-required')).toBe(status === 402);
    expect(await told(response)).toMatchObject({ status });
    expect([edge.origin.calls, settles(), edge.facilitator.transfers.length]).toEqual([0, 0, 0]);
  });

  test.each([
    '/v1/predict/',
    '/v1//predict',
    '//v1/predict',
    '/v1/./predict',
    '/v1/x/../predict',
    '/v1/x/..%2fpredict',
    '/v1/%70redict',
    '/v1%2fpredict',
    '/V1/predict',
    '/v1/predict;x',
    '/v1/predict%00',
    '/v1/predict?x=/v1/prices',
    '/v1/predict#/v1/prices',
    '\\v1\\predict',
    'http://elsewhere.test/v1/predict',
  ])('no path is a way around paying: %s', async (path) => {
    const { hostname, port } = new URL(edge.url());
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ hostname, port, path, method: 'POST', headers: { 'content-type': 'application/json' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end(JSON.stringify(question()));
    });
    expect([400, 402, 404]).toContain(status);
    expect(edge.origin.calls).toBe(0);
  });

  test('a key is asked for where one was sent, and for what is not sold', async () => {
    const buyer = createBuyer(edge);
    expect((await buyer.post(question(), { authorization: 'Bearer nonsense' })).status).toBe(401);
    const body = question();
    expect((await buyer.post(body, { authorization: 'Bearer nonsense', 'payment-signature': await buyer.sign(body) })).status).toBe(401);
    expect((await fetch(`${edge.url()}/v1/experts`)).status).toBe(401);
  });
});

describe('a facilitator that misbehaves', () => {
  test.each<[Fault, number, string]>([
    ['hang', 503, 'unavailable'],
    ['cut', 503, 'unavailable'],
    ['garbage', 502, 'upstream'],
    ['error', 502, 'upstream'],
    ['refuse', 402, 'payment_required'],
  ])('when it verifies (%s) costs nothing', async (fault, status, code) => {
    const buyer = createBuyer(edge);
    const body = question();
    const signature = await buyer.sign(body);
    edge.facilitator.script = (path) => (path === 'verify' ? fault : 'none');
    const response = await buyer.pay(body, signature);
    expect(await told(response)).toMatchObject({ status, code });
    expect([edge.origin.calls, settles()]).toEqual([0, 0]);
    edge.facilitator.script = () => 'none';
    // Who was told to pay anew can do so: what was refused is never taken.
    expect((await buyer.pay(body, signature)).status).toBe(status === 402 ? 402 : 200);
    expect((await buyer.pay(body, await buyer.sign(body))).status).toBe(200);
    expect(edge.facilitator.transfers).toHaveLength(status === 402 ? 1 : 2);
  });

  test('refuses to settle: no answer, nothing paid, and the caller is asked to pay', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    edge.facilitator.script = (path) => (path === 'settle' ? 'refuse' : 'none');
    const signature = await buyer.sign(body);
    const response = await buyer.pay(body, signature);
    const receipt = decodePaymentResponseHeader(response.headers.get('payment-response') ?? '');
    expect(receipt).toMatchObject({ success: false, errorReason: 'insufficient_funds' });
    expect(response.headers.has('payment-required')).toBe(true);
    expect(await told(response)).toMatchObject({ status: 402, reason: 'insufficient_funds' });
    edge.facilitator.script = () => 'none';
    expect((await buyer.pay(body, signature)).status).toBe(402);
    expect(edge.facilitator.transfers).toEqual([]);
  });

  test.each<Fault>(['late', 'hang', 'garbled', 'garbage', 'lost', 'cut', 'error', 'elsewhere'])(
    'when it settles (%s): unknown, never 402; then paid once, worked once, answered',
    async (fault) => {
      const buyer = createBuyer(edge);
      const body = question();
      const signature = await buyer.sign(body);
      edge.facilitator.script = (path) => (path === 'settle' ? fault : 'none');
      const response = await buyer.pay(body, signature);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await told(response)).toMatchObject({ status: 503, state: 'unknown' });
      edge.facilitator.script = () => 'none';
      const later = await buyer.pay(body, signature);
      expect(later.status).toBe(200);
      z.parse(Prediction, await later.json());
      expect([edge.origin.calls, edge.facilitator.transfers.length]).toEqual([1, 1]);
    },
  );

  test('and forgets what it settled: paid once, never asked for again, and not answered until it is believed', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const signature = await buyer.sign(body);
    edge.facilitator.idempotent = false;
    edge.facilitator.script = (path) => (path === 'settle' && settles() < 2 ? 'late' : 'none');
    expect(await told(await buyer.pay(body, signature))).toMatchObject({ status: 503, state: 'unknown' });
    expect(await told(await buyer.pay(body, signature))).toMatchObject({ status: 503, state: 'unknown' });
    expect(edge.facilitator.transfers).toHaveLength(1);
    // The operator knows that this facilitator means its own settlement by that.
    const settledReasons = ['invalid_exact_evm_nonce_already_used'];
    await edge.restart({ X402: JSON.stringify({ ...X402, facilitator: edge.facilitator.url, settled_reasons: settledReasons }) });
    expect((await buyer.pay(body, signature)).status).toBe(200);
    expect([edge.origin.calls, edge.facilitator.transfers.length]).toEqual([1, 1]);
    await edge.restart();
  });

  test('is asked again by itself, and after a crash in the middle of settling', async () => {
    const buyer = createBuyer(edge);
    const body = question();
    const signature = await buyer.sign(body);
    edge.facilitator.script = (path) => (path === 'settle' ? 'hang' : 'none');
    const cut = buyer.pay(body, signature).then(
      ({ status }) => status,
      () => 0,
    );
    await vi.waitFor(() => expect(settles()).toBe(1), { timeout: 20_000, interval: 20 });
    await edge.restart();
    expect([0, 500, 503]).toContain(await cut);
    edge.facilitator.script = () => 'none';
    // Nobody asks: the alarm does.
    await vi.waitFor(() => expect(edge.facilitator.transfers).toHaveLength(1), { timeout: 60_000, interval: 200 });
    const later = await buyer.pay(body, signature);
    expect([later.status, later.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
    expect([edge.origin.calls, edge.facilitator.transfers.length]).toEqual([1, 1]);
  });
});

test('what was paid is exported and reconciled as usage of the payer', async () => {
  const buyer = createBuyer(edge, 'upto');
  const body = question();
  const response = await buyer.pay(body, await buyer.sign(body));
  const micros = Number(response.headers.get('x-usage-micros'));
  const account = `x402-84532-${buyer.address.toLowerCase()}`;
  const admin = async (path: string): Promise<string> =>
    (await fetch(`${edge.url()}/admin/v1/${path}`, { headers: { authorization: `Bearer ${ROOT}` } })).text();
  await vi.waitFor(
    async () => {
      const lines = (await admin(`export?account=${account}`)).split('\n').filter(Boolean);
      expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ id: `${account}.1`, data: { micros, key: 'x402' } }]);
    },
    { timeout: 60_000, interval: 500 },
  );
  expect(JSON.parse(await admin(`reconcile?account=${account}&grace_seconds=0`))).toEqual({ accounts: 1, findings: [] });
  expect(JSON.parse(await admin(`accounts/${account}`))).toMatchObject({ balance_micros: 0, held_micros: 0 });
});
