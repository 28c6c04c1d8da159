// A key set, ready to sign and to verify. Runs on WebCrypto alone, in workerd and in Node.

import type { Signer, Verifier } from 'http-message-sig';
import * as z from 'zod/mini';
import { SigningKeySet, type SigningKey } from '../../contract/signing-keys.ts';
import { TwinrouteError } from '../../core/errors.ts';

/** Algorithms of RFC 9421 that keys are for. */
export const ALGORITHMS = ['hmac-sha256', 'ed25519'];

/** Keys in use. */
export interface KeyRing {
  /** Signs; undefined when no key of the set can. */
  readonly signer: (Signer & { readonly keyid: string }) | undefined;
  /** The verifier of a key id. */
  verifier(keyid: string): Verifier | undefined;
}

/**
 * The keys of a set.
 * @param text JSON of `SigningKeySet`
 * @param title what it is, for messages, which never tell what is in it
 * @throws {TwinrouteError} `config` when it is no key set
 */
export async function openKeyRing(text: string, title: string): Promise<KeyRing> {
  return importRing(parseKeySet(text, title).keys, title);
}

/** The same of keys that are parsed already. */
export async function importRing(keys: readonly SigningKey[], title: string): Promise<KeyRing> {
  const verifiers = new Map<string, Verifier>();
  let signer: KeyRing['signer'];
  for (const key of keys) {
    try {
      verifiers.set(key.kid, await importVerifier(key));
      signer ??= await importSigner(key);
    } catch {
      throw new TwinrouteError('config', `${title}: expected a usable key ${key.kid}, got one that WebCrypto refuses`);
    }
  }
  return { signer, verifier: (keyid) => verifiers.get(keyid) };
}

/** Neither the parser's own words nor the value are passed on: both may hold a secret. */
function parseKeySet(text: string, title: string): SigningKeySet {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TwinrouteError('config', `${title}: expected a JSON Web Key Set, got text that is not JSON`);
  }
  const parsed = z.safeParse(SigningKeySet, value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TwinrouteError(
    'config',
    `${title}: expected {"keys": [{"kty": "oct" or "OKP", "kid", …}]} with distinct kids, got something else at ${issue.path.join('.') || 'its root'}`,
  );
}

async function importVerifier(key: SigningKey): Promise<Verifier> {
  if (key.kty === 'oct') {
    const secret = await importSecret(key.k, 'verify');
    return { algorithm: 'hmac-sha256', verify: (data, signature) => crypto.subtle.verify('HMAC', secret, copy(signature), copy(data)) };
  }
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.x };
  const publicKey = await crypto.subtle.importKey('jwk', jwk, { name: 'Ed25519' }, false, ['verify']);
  return { algorithm: 'ed25519', verify: (data, signature) => crypto.subtle.verify('Ed25519', publicKey, copy(signature), copy(data)) };
}

async function importSigner(key: SigningKey): Promise<KeyRing['signer']> {
  if (key.kty === 'oct') {
    const secret = await importSecret(key.k, 'sign');
    const sign = async (data: Uint8Array): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.sign('HMAC', secret, copy(data)));
    return { algorithm: 'hmac-sha256', keyid: key.kid, sign };
  }
  if (key.d === undefined) return undefined;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.x, d: key.d };
  const privateKey = await crypto.subtle.importKey('jwk', jwk, { name: 'Ed25519' }, false, ['sign']);
  const sign = async (data: Uint8Array): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, copy(data)));
  return { algorithm: 'ed25519', keyid: key.kid, sign };
}

function importSecret(k: string, usage: 'sign' | 'verify'): Promise<CryptoKey> {
  return crypto.subtle.importKey('jwk', { kty: 'oct', k }, { name: 'HMAC', hash: 'SHA-256' }, false, [usage]);
}

/** The bytes in a buffer of their own, as WebCrypto's types want them. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
