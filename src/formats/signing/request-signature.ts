// Requests of an edge to an origin, signed: who sends them, that nobody changed them, and that nobody sends them again.
// Source: RFC 9421 by the package http-message-sig, which builds and parses the fields; keys and policy are here.

import { createSignature, type RequestDescriptor } from 'http-message-sig';
import { DEADLINE_HEADER, JSON_LENGTH_HEADER, REQUEST_ID_HEADER } from '../../contract/oip.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { CONTENT_DIGEST, contentDigest } from './content-digest.ts';
import type { KeyRing } from './key-ring.ts';
import { signOwnForm, type OwnForm } from './own-form.ts';
import { SKEW_S, verifyTagged } from './verify-tagged.ts';

/** Label and tag of an edge's signature: a signature made for another purpose is none here. */
export const REQUEST_LABEL = 'edge';
const TAG = 'twinroute-request';
/** What a signature covers. The body by its digest; `@query` is not, as no path that is signed reads one. */
const COVERED = ['@method', '@authority', '@path', CONTENT_DIGEST, REQUEST_ID_HEADER, DEADLINE_HEADER];
const OWN_FORM: OwnForm = { label: REQUEST_LABEL, tag: TAG, components: COVERED.map((name) => `"${name}"`) };
/** How long a signature is good for, seconds. */
const LIFETIME_S = 30;
/** How long a nonce has to be remembered, milliseconds: from the earliest to the latest time at which its signature is taken. */
export const NONCE_MEMORY_MS = 1000 * (LIFETIME_S + 2 * SKEW_S);

/** Headers of a message. */
export type HeaderFields = Readonly<Record<string, string>>;

/** A request as it is signed. */
export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  /** Lower-case names. */
  readonly headers: HeaderFields;
}

/** What signing takes from the world. */
export interface SigningContext {
  readonly keys: KeyRing;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A new nonce, 128 bits or more in letters, digits and dashes. */
  readonly nonce: () => string;
}

/**
 * The request with its digest and signature among its headers.
 * @throws {TwinrouteError} `config` when no key can sign
 */
export async function signRequest(
  { keys: { signer }, now, nonce }: SigningContext,
  request: SignedRequest,
  body: Uint8Array,
): Promise<SignedRequest> {
  if (signer === undefined) throw new TwinrouteError('config', 'signing keys: expected one that can sign, got none');
  const headers: HeaderFields = { ...request.headers, [CONTENT_DIGEST]: await contentDigest(body) };
  const created = Math.floor(now() / 1000);
  const times = { created, expires: created + LIFETIME_S };
  const once = nonce();
  const { host, pathname } = new URL(request.url);
  const values = [request.method, host, pathname, ...COVERED.slice(3).map((name) => headers[name])];
  const more = `;expires=${times.expires};nonce="${once}"`;
  const own = await signOwnForm(OWN_FORM, values, { created, more }, signer);
  if (own !== undefined) return { ...request, headers: { ...headers, ...own } };
  const { keyid, algorithm: alg } = signer;
  const { signature, signatureInput } = await createSignature(describeRequest({ ...request, headers }), {
    label: REQUEST_LABEL,
    components: COVERED,
    parameters: { ...times, nonce: once, alg, keyid, tag: TAG },
    signer,
  });
  return { ...request, headers: { ...headers, signature, 'signature-input': signatureInput } };
}

/** What verifying takes from the world. */
export interface VerifyContext {
  readonly keys: KeyRing;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Remembers a nonce of a key; false when it is known already. */
  readonly remember: (nonce: string) => boolean;
  /** Since when nonces are remembered, in milliseconds since 1970: what was signed before may have been used already. */
  readonly sinceMs: number;
}

/**
 * Checks the signature of a request whose body has not been read yet; the caller holds the body against the digest by `checkDigest`.
 * @returns the signature's nonce, which no other request of that key has
 * @throws {TwinrouteError} `unauthorized` when it is missing, forged, too old, by an unknown key, seen before, or covers too little
 */
export async function verifyRequest({ keys, now, remember, sinceMs }: VerifyContext, request: SignedRequest): Promise<string> {
  // It decides how the body is read: where it is present, it has to be covered too.
  const covered = request.headers[JSON_LENGTH_HEADER] === undefined ? COVERED : [...COVERED, JSON_LENGTH_HEADER];
  const {
    keyid,
    nonce = '',
    created = 0,
  } = await verifyTagged(
    describeRequest(request),
    { label: REQUEST_LABEL, tag: TAG, covered, parameters: ['expires', 'nonce'], maxAgeSeconds: LIFETIME_S },
    { keys, now },
    refused,
  );
  if (created < Math.floor(sinceMs / 1000)) throw refused('signed before this origin started');
  if (!remember(`${keyid} ${nonce}`)) throw refused('nonce was used before');
  return nonce;
}

/**
 * Does nothing when a body has the digest that its headers state.
 * @throws {TwinrouteError} `unauthorized`
 */
export async function checkDigest(headers: HeaderFields, body: Uint8Array): Promise<void> {
  if (headers[CONTENT_DIGEST] !== (await contentDigest(body))) throw refused('body differs from its digest');
}

/** A request as http-message-sig reads it. */
export function describeRequest({ method, url, headers }: SignedRequest): RequestDescriptor {
  return { kind: 'request', method, targetUri: url, fields: Object.entries(headers).map(([name, value]) => ({ name, value })) };
}

/** Why a signature was refused, without a word of what it held. */
function refused(why: string): TwinrouteError {
  return new TwinrouteError('unauthorized', `signature: expected a fresh one of a trusted key over this request, got another: ${why}`);
}
