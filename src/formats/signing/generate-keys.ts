// New keys for an edge and its origins.

import { parseWith } from '../../contract/parse.ts';
import { EdwardsKey, type SigningKey, type SigningKeySet } from '../../contract/signing-keys.ts';
import { toBase64url } from './base64url.ts';

/** A set for each side. Both hold secrets. */
export interface KeySets {
  readonly edge: SigningKeySet;
  readonly origin: SigningKeySet;
}

/**
 * Fresh keys with random ids: one secret that both sides share, or a key pair for each side and the other's public half, so that no origin
 * can pass for the edge.
 */
export async function generateKeySets(algorithm: 'hmac-sha256' | 'ed25519'): Promise<KeySets> {
  const suffix = toBase64url(crypto.getRandomValues(new Uint8Array(6)));
  if (algorithm === 'hmac-sha256') {
    const key: SigningKey = { kty: 'oct', kid: `shared-${suffix}`, k: toBase64url(crypto.getRandomValues(new Uint8Array(32))) };
    return { edge: { keys: [key] }, origin: { keys: [key] } };
  }
  const edge = await generatePair(`edge-${suffix}`);
  const origin = await generatePair(`origin-${suffix}`);
  return { edge: { keys: [edge.secret, origin.public] }, origin: { keys: [origin.secret, edge.public] } };
}

/** A fresh Ed25519 key, and its public half. */
export async function generatePair(kid: string): Promise<{ secret: EdwardsKey; public: EdwardsKey }> {
  const pair = await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new TypeError('generateKey: expected a pair of keys, got one');
  const [secret, open] = await Promise.all([
    crypto.subtle.exportKey('jwk', pair.privateKey),
    crypto.subtle.exportKey('jwk', pair.publicKey),
  ]);
  return {
    secret: parseWith(EdwardsKey, { ...secret, kid }, 'new key', 'internal'),
    public: parseWith(EdwardsKey, { ...open, kid }, 'new key', 'internal'),
  };
}
