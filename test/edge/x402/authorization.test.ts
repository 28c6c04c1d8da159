import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { X402 } from '../../../src/contract/x402.ts';
import type { TwinrouteError } from '../../../src/core/errors.ts';
import { whyNot } from '../../../src/edge/x402/authorization.ts';
import { toBase64Json } from '../../../src/edge/x402/base64-json.ts';
import { PAYMENT_HEADER, readPayment } from '../../../src/edge/x402/read-payment.ts';
import { chosenTerms, termsFor } from '../../../src/edge/x402/terms.ts';
import { CONFIG } from './config.ts';

const NOW_MS = 1_800_000_000_000;
const SECONDS = NOW_MS / 1000;
const FROM = `0x${'Ab'.repeat(20)}`;
const OTHER = `0x${'33'.repeat(20)}`;
const FACILITATOR = `0x${'11'.repeat(20)}`;
const [asset] = CONFIG.assets;
const config = z.parse(X402, { ...CONFIG, schemes: ['exact', 'upto'], assets: [{ ...asset, facilitator_address: FACILITATOR }] });
const [exact, upto] = termsFor(config, 100);

const transfer = {
  from: FROM,
  to: CONFIG.pay_to,
  value: '100',
  validAfter: '0',
  validBefore: String(SECONDS + 60),
  nonce: `0x${'CD'.repeat(32)}`,
};
const permit = {
  from: FROM,
  permitted: { token: asset.address, amount: '100' },
  spender: OTHER,
  nonce: '0x0A',
  deadline: String(SECONDS + 60),
  witness: { to: CONFIG.pay_to, facilitator: FACILITATOR, validAfter: '0' },
};
const read = (payment: object) => readPayment(new Headers({ [PAYMENT_HEADER]: toBase64Json(payment) }));
const byExact = (change: object = {}) =>
  read({ x402Version: 2, accepted: exact, payload: { signature: '0x', authorization: { ...transfer, ...change } } });
const byUpto = (change: object = {}) =>
  read({ x402Version: 2, accepted: upto, payload: { signature: '0x', permit2Authorization: { ...permit, ...change } } });

test('a payment tells its payer, and a name that no spelling changes', () => {
  const sent = byExact();
  expect(sent?.payer).toEqual({ account: `x402-84532-${FROM.toLowerCase()}`, network: 'eip155:84532', address: FROM.toLowerCase() });
  expect(byExact({ nonce: transfer.nonce.toLowerCase() })?.authorization.nonce).toBe(sent?.authorization.nonce);
  expect(byUpto({ nonce: '10' })?.authorization.nonce).toBe(byUpto()?.authorization.nonce);
  expect(byUpto({ nonce: '11' })?.authorization.nonce).not.toBe(byUpto()?.authorization.nonce);
  expect(readPayment(new Headers())).toBeUndefined();
});

test.each<[string, ReturnType<typeof readPayment>, typeof exact, string | undefined]>([
  ['a good transfer', byExact(), exact, undefined],
  ['a good permit', byUpto(), upto, undefined],
  ['less', byExact({ value: '99' }), exact, 'another amount'],
  ['more', byExact({ value: '101' }), exact, 'another amount'],
  ['less at most', byUpto({ permitted: { ...permit.permitted, amount: '99' } }), upto, 'another amount'],
  ['another recipient', byExact({ to: OTHER }), exact, 'another recipient'],
  ['another recipient of a permit', byUpto({ witness: { ...permit.witness, to: OTHER } }), upto, 'another recipient'],
  ['another asset', byUpto({ permitted: { ...permit.permitted, token: OTHER } }), upto, 'another asset'],
  ['not yet good', byExact({ validAfter: String(SECONDS + 1) }), exact, 'a signature that is not good yet'],
  ['no longer good', byExact({ validBefore: String(SECONDS) }), exact, 'a signature that has expired, or nearly'],
  ['not good for long', byUpto({ deadline: String(SECONDS + 6) }), upto, 'a signature that has expired, or nearly'],
])('is held against the terms: %s', (_, sent, terms, fault) => {
  expect(sent && whyNot(sent.authorization, terms, NOW_MS)).toBe(fault);
});

test('terms are chosen by all that matters of them', () => {
  const terms = [exact, upto];
  const choose = (change: object) => chosenTerms(terms, { x402Version: 2, accepted: { ...exact, ...change }, payload: {} });
  expect(choose({})).toBe(exact);
  expect(choose({ scheme: 'upto' })).toBe(upto);
  expect(choose({ asset: asset.address.toLowerCase() })).toBe(exact);
  for (const change of [{ amount: '1' }, { network: 'eip155:1' }, { asset: OTHER }, { payTo: OTHER }, { scheme: 'deferred' }])
    expect(choose(change)).toBeUndefined();
});

test('headers carry any text, and nothing but JSON in UTF-8 is read', () => {
  expect(
    read({ x402Version: 2, accepted: { ...exact, extra: { name: 'USD₮0' } }, payload: { authorization: transfer, signature: '' } })?.scheme,
  ).toBe('exact');
  for (const text of ['', '%', btoa('"'), btoa('\xff'), btoa(' '.repeat(9_000)), btoa('null'), btoa('[]')]) {
    expect(() => readPayment(new Headers([[PAYMENT_HEADER, text]]))).toThrow(
      expect.objectContaining({ code: 'invalid_request' } satisfies Partial<TwinrouteError>),
    );
  }
});
