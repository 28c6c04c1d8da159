// Requests and receipts between an edge and an origin, and what an attacker may do to them.

import { component, createSignature } from 'http-message-sig';
import { describe, expect, test } from 'vitest';
import type { Receipt } from '../../../src/contract/receipt.ts';
import { openKeyRing, type KeyRing } from '../../../src/formats/signing/key-ring.ts';
import { signReceipt, verifyReceipt } from '../../../src/formats/signing/receipt.ts';
import {
  checkDigest,
  describeRequest,
  signRequest,
  verifyRequest,
  type SignedRequest,
} from '../../../src/formats/signing/request-signature.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const ringOf = (...keys: object[]): Promise<KeyRing> => openKeyRing(JSON.stringify({ keys }), 'keys');
const secret = (kid: string, letter: string) => ({ kty: 'oct', kid, k: letter.repeat(43).replace(/.$/, 'A') });
const ED25519 = { kty: 'OKP', crv: 'Ed25519', kid: 'ed', x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs' };

const NOW = 1_800_000_000_000;
const BODY = utf8('{"inputs": []}');
const PLAIN: SignedRequest = {
  method: 'POST',
  url: 'https://eu.example.com/v2/models/sample/versions/0123456789abcdef/infer',
  headers: { 'content-type': 'application/json', 'x-request-id': 'r-1', 'x-request-deadline-ms': '500' },
};

let nonces = 0;
const edge = (keys: KeyRing, now = NOW) => ({ keys, now: () => now, nonce: () => `nonce-${nonces++}` });

/** An origin that remembers nonces. */
function origin(keys: KeyRing, now = NOW) {
  const seen = new Set<string>();
  const remember = (nonce: string): boolean => !seen.has(nonce) && seen.add(nonce) !== undefined;
  return { keys, now: () => now, remember, sinceMs: 0 };
}

const shared = await ringOf(secret('edge-1', 'a'));
const edwards = await ringOf({ ...ED25519, d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU' });
const edwardsPublic = await ringOf(ED25519);
const RECEIPT: Receipt = { id: 'r-1', config: '0123456789abcdef', rows: 1, tokens: 7, mix: { sst2: 0.5 } };
const ANSWER = utf8('{"outputs": []}');
const requested = await signRequest(edge(shared), PLAIN, BODY);
const headers = await signReceipt(edge(shared), requested, 200, ANSWER, RECEIPT);

describe('a signed request', () => {
  test.each([
    ['HMAC', shared, shared],
    ['Ed25519', edwards, edwardsPublic],
  ])('by %s is let in', async (_, edgeKeys, originKeys) => {
    const signed = await signRequest(edge(edgeKeys), PLAIN, BODY);
    await expect(verifyRequest(origin(originKeys), signed)).resolves.toMatch(/^nonce-\d+$/);
    await expect(checkDigest(signed.headers, BODY)).resolves.toBeUndefined();
    expect(signed.headers['signature-input']).toMatch(
      /^edge=\("@method" "@authority" "@path" "content-digest" "x-request-id" "x-request-deadline-ms"\);created=\d+;expires=\d+;nonce="nonce-\d+";alg="[\w-]+";keyid="[\w-]+";tag="twinroute-request"$/,
    );
  });

  test('is good once', async () => {
    const signed = await signRequest(edge(shared), PLAIN, BODY);
    const here = origin(shared);
    await verifyRequest(here, signed);
    await expect(verifyRequest(here, signed)).rejects.toThrow('nonce was used before');
  });

  test('is good for thirty seconds, and clocks may be five apart', async () => {
    const signed = await signRequest(edge(shared), PLAIN, BODY);
    for (const [seconds, good] of [
      [-5, true],
      [-6, false],
      [35, true],
      [36, false],
    ] as const) {
      const verifying = verifyRequest(origin(shared, NOW + 1000 * seconds), signed);
      if (good) await expect(verifying).resolves.toMatch(/^nonce-/);
      else await expect(verifying).rejects.toMatchObject({ code: 'unauthorized' });
    }
  });

  test('from before the origin started is refused: a nonce may have been used in its last life', async () => {
    const signed = await signRequest(edge(shared), PLAIN, BODY);
    const started = (sinceMs: number) => verifyRequest({ ...origin(shared, NOW + 2_000), sinceMs }, signed);
    await expect(started(NOW + 1_000)).rejects.toThrow('before this origin started');
    await expect(started(NOW + 900)).resolves.toMatch(/^nonce-/);
  });

  const changes: readonly [string, (signed: SignedRequest) => SignedRequest][] = [
    ['another path', (signed) => ({ ...signed, url: signed.url.replace('sample', 'other') })],
    ['another host', (signed) => ({ ...signed, url: signed.url.replace('eu.', 'us.') })],
    ['another method', (signed) => ({ ...signed, method: 'PUT' })],
    ['another request id', (signed) => ({ ...signed, headers: { ...signed.headers, 'x-request-id': 'r-2' } })],
    ['another deadline', (signed) => ({ ...signed, headers: { ...signed.headers, 'x-request-deadline-ms': '9999' } })],
    ['another digest', (signed) => ({ ...signed, headers: { ...signed.headers, 'content-digest': 'sha-256=:AAAA:' } })],
    ['a split of the body', (signed) => ({ ...signed, headers: { ...signed.headers, 'inference-header-content-length': '5' } })],
    ['no signature', () => PLAIN],
    ['half a signature', (signed) => ({ ...signed, headers: { ...signed.headers, 'signature-input': '' } })],
    ['a signature that is none', (signed) => ({ ...signed, headers: { ...signed.headers, signature: 'edge=:AAAA:' } })],
    [
      'a later date',
      (signed) => ({
        ...signed,
        headers: { ...signed.headers, 'signature-input': signed.headers['signature-input'].replace(/expires=\d+/, 'expires=1999999999') },
      }),
    ],
    [
      'less coverage',
      (signed) => ({
        ...signed,
        headers: { ...signed.headers, 'signature-input': signed.headers['signature-input'].replace(' "content-digest"', '') },
      }),
    ],
    [
      'another purpose',
      (signed) => ({
        ...signed,
        headers: { ...signed.headers, 'signature-input': signed.headers['signature-input'].replace('twinroute-request', 'web-bot-auth') },
      }),
    ],
    [
      'another algorithm',
      (signed) => ({
        ...signed,
        headers: { ...signed.headers, 'signature-input': signed.headers['signature-input'].replace('hmac-sha256', 'ed25519') },
      }),
    ],
  ];
  test.each(changes)('with %s is refused', async (_, change) => {
    const signed = await signRequest(edge(shared), PLAIN, BODY);
    await expect(verifyRequest(origin(shared), change(signed))).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test('with another body is refused', async () => {
    const signed = await signRequest(edge(shared), PLAIN, BODY);
    await expect(checkDigest(signed.headers, utf8('{"inputs": [1]}'))).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test('by an unknown key, or a forged one of a known name, is refused; nothing of it is told', async () => {
    for (const keys of [await ringOf(secret('edge-9', 'a')), await ringOf(secret('edge-1', 'b'))]) {
      const signed = await signRequest(edge(keys), PLAIN, BODY);
      const error: unknown = await verifyRequest(origin(shared), signed).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'unauthorized' });
      expect(String(error)).not.toContain('edge-');
    }
  });

  test('keys rotate: an origin that trusts old and new takes both, and the first key of an edge signs', async () => {
    const old = secret('edge-1', 'a');
    const fresh = secret('edge-2', 'b');
    const both = await ringOf(fresh, old);
    for (const keys of [await ringOf(old), await ringOf(fresh), await ringOf(fresh, old)])
      await verifyRequest(origin(both), await signRequest(edge(keys), PLAIN, BODY));
    const onlyNew = await ringOf(fresh);
    await verifyRequest(origin(onlyNew), await signRequest(edge(both), PLAIN, BODY));
    await expect(verifyRequest(origin(onlyNew), await signRequest(edge(await ringOf(old)), PLAIN, BODY))).rejects.toMatchObject({
      code: 'unauthorized',
    });
  });

  test('needs a key that signs', async () => {
    await expect(signRequest(edge(edwardsPublic), PLAIN, BODY)).rejects.toMatchObject({ code: 'config' });
  });
});

describe('a receipt', () => {
  test('tells what was served', async () => {
    expect(await verifyReceipt(edge(shared), requested, { status: 200, headers }, ANSWER)).toEqual(RECEIPT);
  });

  test('may be in any form that RFC 9421 allows, and is held to the same rules', async () => {
    const { signer } = shared;
    if (signer === undefined) throw new Error('expected a key that signs');
    const other = async (created: number, tag = 'twinroute-receipt') => {
      const described = {
        kind: 'response' as const,
        status: 200,
        fields: Object.entries(headers).map(([name, value]) => ({ name, value })),
        request: describeRequest(requested),
      };
      const { signature, signatureInput } = await createSignature(described, {
        label: 'origin',
        components: ['content-digest', '@status', component('signature', { req: true, key: 'edge' }), 'x-receipt'],
        parameters: { tag, keyid: signer.keyid, created, alg: signer.algorithm },
        signer,
      });
      return { ...headers, signature, 'signature-input': signatureInput };
    };
    const good = await other(NOW / 1000);
    expect(await verifyReceipt(edge(shared), requested, { status: 200, headers: good }, ANSWER)).toEqual(RECEIPT);
    for (const bad of [await other(NOW / 1000 - 66), await other(NOW / 1000, 'another')])
      await expect(verifyReceipt(edge(shared), requested, { status: 200, headers: bad }, ANSWER)).rejects.toMatchObject({
        code: 'upstream',
      });
  });

  test('has the very bytes that the general way gives it', async () => {
    const { signer } = shared;
    if (signer === undefined) throw new Error('expected a key that signs');
    const { signature, signatureInput } = await createSignature(
      {
        kind: 'response',
        status: 200,
        fields: Object.entries(headers).map(([name, value]) => ({ name, value })),
        request: describeRequest(requested),
      },
      {
        label: 'origin',
        components: ['@status', 'content-digest', 'x-receipt', component('signature', { req: true, key: 'edge' })],
        parameters: { created: NOW / 1000, alg: signer.algorithm, keyid: signer.keyid, tag: 'twinroute-receipt' },
        signer,
      },
    );
    expect({ signature, signatureInput }).toEqual({ signature: headers['signature'], signatureInput: headers['signature-input'] });
  });

  test.each([
    ['another key', (input: string) => input.replace('edge-1', 'edge-2')],
    ['another algorithm', (input: string) => input.replace('hmac-sha256', 'ed25519')],
    ['another tag', (input: string) => input.replace('twinroute-receipt', 'twinroute-request')],
    ['a later date', (input: string) => input.replace(/created=\d+/, `created=${NOW / 1000 + 3}`)],
    ['less coverage', (input: string) => input.replace('"x-receipt" ', '')],
  ])('that says %s is refused', async (_, change) => {
    const changed = { ...headers, 'signature-input': change(headers['signature-input']) };
    await expect(verifyReceipt(edge(shared), requested, { status: 200, headers: changed }, ANSWER)).rejects.toMatchObject({
      code: 'upstream',
    });
  });

  test('is not made where no key signs', async () => {
    expect(await signReceipt(edge(edwardsPublic), requested, 200, ANSWER, RECEIPT)).toEqual({});
  });

  test.each([
    ['another body', { body: utf8('{"outputs": [1]}') }],
    ['another status', { status: 201 }],
    ['another config', { headers: { ...headers, 'x-receipt': headers['x-receipt'].replace('0123', 'ffff') } }],
    ['fewer tokens', { headers: { ...headers, 'x-receipt': headers['x-receipt'].replace('7', '1') } }],
    ['no headers', { headers: {} }],
    ['an old date', { now: NOW + 66_000 }],
  ])('with %s is refused', async (_, change) => {
    const { status, headers: given, body, now } = { status: 200, headers, body: ANSWER, now: NOW, ...change };
    await expect(verifyReceipt(edge(shared, now), requested, { status, headers: given }, body)).rejects.toMatchObject({ code: 'upstream' });
  });

  test('is for one request: that of another, or the request itself sent back, is refused', async () => {
    const other = await signRequest(edge(shared), PLAIN, BODY);
    await expect(verifyReceipt(edge(shared), other, { status: 200, headers }, ANSWER)).rejects.toMatchObject({ code: 'upstream' });
    await expect(verifyReceipt(edge(shared), requested, { status: 200, headers: requested.headers }, BODY)).rejects.toMatchObject({
      code: 'upstream',
    });
  });
});
