// Releases, signed by whoever may publish and verified by the edge before anything of them is used. What is signed is the text itself, so nobody has
// to write the same JSON twice; a line before it names the purpose, so that no signature made for anything else is one of a release.

import { Release, RELEASE_LIMITS, SignedRelease } from '../../contract/release.ts';
import { parseJsonWith, parseWith } from '../../contract/parse.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { fromBase64url, toBase64url } from './base64url.ts';
import type { KeyRing } from './key-ring.ts';

const PURPOSE = 'twinroute-release-1\n';

/** A release whose signature was found good. */
export interface VerifiedRelease {
  readonly release: Release;
  /** Of the payload, in lower-case hex. */
  readonly sha256: string;
  /** The key that signed it. */
  readonly kid: string;
  readonly signed: SignedRelease;
}

/**
 * The release, signed.
 * @throws {TwinrouteError} `config` when no key can sign, or the release is too long or out of form
 */
export async function signRelease({ signer }: KeyRing, release: Release): Promise<VerifiedRelease> {
  if (signer === undefined) throw new TwinrouteError('config', 'publish key: expected one that can sign, got public halves only');
  const payload = canonicalJson(parseWith(Release, release, 'release', 'config'));
  const signature = toBase64url(await signer.sign(signedBytes(payload)));
  const title = `release of up to ${RELEASE_LIMITS.payloadBytes} characters`;
  const signed = parseWith(SignedRelease, { payload, kid: signer.keyid, signature }, title, 'config');
  return { release, sha256: await hashOf(payload), kid: signer.keyid, signed };
}

/**
 * The release in a signed document.
 * @param value JSON value of anybody's
 * @param title where it came from, for messages
 * @throws {TwinrouteError} `integrity` when it is out of form, or not signed by a key of the ring
 */
export async function verifyRelease(keys: KeyRing, value: unknown, title: string): Promise<VerifiedRelease> {
  const signed = parseWith(SignedRelease, value, title, 'integrity');
  const { payload, kid, signature } = signed;
  const good = await keys.verifier(kid)?.verify(signedBytes(payload), fromBase64url(signature));
  if (good !== true) throw new TwinrouteError('integrity', `${title}: expected a signature of a key that may publish, got another`);
  return { release: parseJsonWith(Release, payload, title, 'integrity'), sha256: await hashOf(payload), kid, signed };
}

function signedBytes(payload: string): Uint8Array {
  return new TextEncoder().encode(PURPOSE + payload);
}

async function hashOf(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
