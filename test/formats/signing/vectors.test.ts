// Published vectors: the fields and signatures of RFC 9421's appendix B.2, and digests of RFC 9530, through our keys and digests.

import { createSignature, verifySignature, type RequestDescriptor } from 'http-message-sig';
import { expect, test } from 'vitest';
import { contentDigest } from '../../../src/formats/signing/content-digest.ts';
import { openKeyRing } from '../../../src/formats/signing/key-ring.ts';

// RFC 9421, B.2: the test request.
const REQUEST: RequestDescriptor = {
  kind: 'request',
  method: 'POST',
  targetUri: 'https://example.com/foo?param=Value&Pet=dog',
  fields: [
    { name: 'host', value: 'example.com' },
    { name: 'date', value: 'Tue, 20 Apr 2021 02:07:55 GMT' },
    { name: 'content-type', value: 'application/json' },
    { name: 'content-length', value: '18' },
  ],
};

// B.1.4 and B.1.5.
const ED25519 = { kty: 'OKP', crv: 'Ed25519', kid: 'test-key-ed25519', x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs' };
const ED25519_PRIVATE = { ...ED25519, d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU' };
const SECRET = {
  kty: 'oct',
  kid: 'test-shared-secret',
  k: 'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ',
};

test.each([
  {
    name: 'B.2.5, HMAC-SHA256',
    label: 'sig-b25',
    key: SECRET,
    publicKey: SECRET,
    components: ['date', '@authority', 'content-type'],
    signature: 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:',
  },
  {
    name: 'B.2.6, Ed25519',
    label: 'sig-b26',
    key: ED25519_PRIVATE,
    publicKey: ED25519,
    components: ['date', '@method', '@path', '@authority', 'content-type', 'content-length'],
    signature: 'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
  },
])('RFC 9421 $name: our key makes and verifies the published signature', async ({ label, key, publicKey, components, signature }) => {
  const { signer } = await openKeyRing(JSON.stringify({ keys: [key] }), 'keys');
  if (signer === undefined) throw new Error('expected a signer');
  const made = await createSignature(REQUEST, { label, components, parameters: { created: 1618884473, keyid: signer.keyid }, signer });
  const names = components.map((component) => `"${component}"`).join(' ');
  expect(made).toEqual({ signature, signatureInput: `${label}=(${names});created=1618884473;keyid="${key.kid}"` });
  const ring = await openKeyRing(JSON.stringify({ keys: [publicKey] }), 'keys');
  const fields = [...REQUEST.fields, { name: 'signature', value: signature }, { name: 'signature-input', value: made.signatureInput }];
  const verify = (method: string) =>
    verifySignature(
      { ...REQUEST, method, fields },
      {
        label,
        policy: { algorithms: [signer.algorithm], requiredComponents: components, requiredParameters: ['created'], now: 1618884473 },
        resolveVerifier({ parameters }) {
          const verifier = ring.verifier(parameters.keyid ?? '');
          if (verifier === undefined) throw new Error('expected a verifier');
          return verifier;
        },
      },
    );
  await expect(verify('POST')).resolves.toMatchObject({ label });
  if (components.includes('@method')) await expect(verify('PUT')).rejects.toThrow('verification failed');
});

test.each([
  ['{"hello": "world"}\n', 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:'],
  ['', 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'],
])('RFC 9530: digest of %j', async (body, digest) => {
  expect(await contentDigest(new TextEncoder().encode(body))).toBe(digest);
});

test('a public key alone verifies and does not sign', async () => {
  expect((await openKeyRing(JSON.stringify({ keys: [ED25519] }), 'keys')).signer).toBeUndefined();
});

test.each([
  ['no JSON', '{"keys": [{"k": "geheim'],
  ['no keys', '{"keys": []}'],
  ['a short secret', JSON.stringify({ keys: [{ kty: 'oct', kid: 'a', k: 'geheim' }] })],
  ['one id twice', JSON.stringify({ keys: [SECRET, { ...ED25519, kid: SECRET.kid }] })],
  ['an unknown type', JSON.stringify({ keys: [{ kty: 'RSA', kid: 'geheim', n: 'geheim' }] })],
  ['a private key of another public one', JSON.stringify({ keys: [{ ...ED25519, d: SECRET.k.slice(0, 43) }] })],
])('%s is refused without a word of what it holds', async (_, text) => {
  const error: unknown = await openKeyRing(text, 'SIGNING_KEYS').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'config', message: expect.stringContaining('SIGNING_KEYS: expected') });
  expect(error).not.toHaveProperty('cause');
  expect(String(error)).not.toMatch(/geheim|uzvJ/);
});
