// Keys by which edge and origins know each other: a JSON Web Key Set, as the edge's `SIGNING_KEYS` secret and the origin's key file. The
// first key that can sign does; every key of the set verifies. Source: RFC 7517, RFC 8037.

import * as z from 'zod/mini';

/** A key's id. */
export const KeyId = z.string().check(z.regex(/^[\w.:-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, colons, dashes or underscores'));
const ed25519Part = z.string().check(z.regex(/^[\w-]{43}$/, 'expected 32 bytes in base64url'));

/** A shared secret for HMAC-SHA256, 32 to 128 bytes. */
const SecretKey = z.object({
  kty: z.literal('oct'),
  kid: KeyId,
  k: z.string().check(z.regex(/^[\w-]{43,171}$/, 'expected 32 to 128 bytes in base64url')),
});

/** An Ed25519 key: `x` is public, `d` private. */
export const EdwardsKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: KeyId,
  x: ed25519Part,
  d: z.optional(ed25519Part),
});
export type EdwardsKey = z.infer<typeof EdwardsKey>;

/** One key. */
export const SigningKey = z.discriminatedUnion('kty', [SecretKey, EdwardsKey]);
export type SigningKey = z.infer<typeof SigningKey>;

/** A key set. Ids are distinct. */
export const SigningKeySet = z.strictObject({
  keys: z.array(SigningKey).check(
    z.minLength(1),
    z.maxLength(100),
    z.refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'expected distinct kids'),
  ),
});
export type SigningKeySet = z.infer<typeof SigningKeySet>;
