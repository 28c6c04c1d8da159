import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { bindPayments } from '../../../src/edge/x402/bind-x402.ts';
import { createHarness } from '../helpers/harness.ts';
import { CONFIG } from './config.ts';

const PRICES = '{"answer": {"request": 5}}';
const bind = (config: unknown, more: object = {}) => bindPayments({ ...env, X402: JSON.stringify(config), PRICES, ...more });
const [asset] = CONFIG.assets;

test('nothing is sold one by one unless the variable says so', () => {
  const { X402: _, ...without } = env;
  expect(bindPayments(without)).toBeUndefined();
  expect(bind(CONFIG)?.config).toMatchObject({ schemes: ['exact'], max_timeout_seconds: 120, settled_reasons: [] });
});

test.each<[string, unknown, object, string]>([
  ['no prices', CONFIG, { PRICES: undefined }, 'PRICES'],
  ['no place for payers', CONFIG, { PAYERS: undefined }, 'PAYERS'],
  ['a facilitator in a private network', { ...CONFIG, facilitator: 'http://10.0.0.1/' }, {}, 'facilitator'],
  ['a facilitator by plain http', { ...CONFIG, facilitator: 'http://facilitator.test/' }, {}, 'facilitator'],
  ["upto without the facilitator's address", { ...CONFIG, schemes: ['upto'] }, {}, 'facilitator_address'],
  ['an unknown scheme', { ...CONFIG, schemes: ['deferred'] }, {}, 'schemes'],
  ['a recipient that is none', { ...CONFIG, pay_to: '0x1' }, {}, 'pay_to'],
  ['an asset for nothing', { ...CONFIG, assets: [{ ...asset, atomic_per_unit: '0' }] }, {}, 'atomic_per_unit'],
  ['a network of another kind', { ...CONFIG, assets: [{ ...asset, network: 'solana:x' }] }, {}, 'network'],
  ['a name that nobody knows', { ...CONFIG, payTo: '0x' }, {}, 'payTo'],
])('is refused: %s', (_, config, more, named) => {
  expect(() => bind(config, more)).toThrow(named);
});

test('an edge that sells but has no keys asks for payment, says its terms, and leaves the rest free', async () => {
  const { app, post, calls } = createHarness({ payments: bind(CONFIG) });
  const asked = await post('/v1/predict', { text: 'hello' });
  expect(asked).toMatchObject({
    status: 402,
    body: { error: { code: 'payment_required', details: { needed_micros: 5, currency: 'USD' } } },
  });
  expect(JSON.parse(atob(asked.headers.get('payment-required') ?? ''))).toMatchObject({
    x402Version: 2,
    accepts: [{ scheme: 'exact', amount: '5' }],
  });
  expect(calls).toHaveLength(0);
  // Routing has no price here.
  expect((await post('/v1/route', { text: 'hello' })).status).toBe(200);
  expect(await (await app.request('/v1/prices')).json()).toMatchObject({
    answer: { request: 5 },
    x402: { x402_version: 2, schemes: ['exact'], pay_to: CONFIG.pay_to },
  });
  expect((await app.request('/v1/experts')).status).toBe(200);
  // A key means nothing here, and opens nothing.
  expect((await post('/v1/predict', { text: 'hello' }, { authorization: 'Bearer any' })).status).toBe(402);
});

test('the OpenAPI document tells of payments', async () => {
  const { app } = createHarness({ payments: bind(CONFIG) });
  const document = JSON.stringify(await (await app.request('/openapi.json')).json());
  const { paths, components } = JSON.parse(document);
  const predict = paths['/v1/predict'].post;
  expect(predict.security).toEqual([{ payment: [] }]);
  expect(components.securitySchemes).toMatchObject({ payment: { in: 'header', name: 'PAYMENT-SIGNATURE' } });
  expect(predict.responses['402'].headers).toHaveProperty(['payment-required']);
  expect(predict.responses['200'].headers).toHaveProperty(['payment-response']);
  expect(predict.responses).toHaveProperty(['409']);
  expect(paths['/v1/experts'].get.security).toBeUndefined();
});
