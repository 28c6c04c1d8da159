// An origin's receipt for an answer: what it served, for which request, signed together with the body. It travels in a header.
// Source: RFC 9421 section 2.4: the answer's signature covers the request's, so that neither can be paired with another.

import { component, createSignature, type ResponseDescriptor } from 'http-message-sig';
import { parseJsonWith } from '../../contract/parse.ts';
import { Receipt, RECEIPT_HEADER } from '../../contract/receipt.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { CONTENT_DIGEST, contentDigest } from './content-digest.ts';
import { describeRequest, REQUEST_LABEL, type HeaderFields, type SignedRequest, type SigningContext } from './request-signature.ts';
import { verifyTagged } from './verify-tagged.ts';

const LABEL = 'origin';
const TAG = 'twinroute-receipt';
const COVERED = ['@status', CONTENT_DIGEST, RECEIPT_HEADER, component('signature', { req: true, key: REQUEST_LABEL })];
/** Oldest receipt, seconds: an answer is signed when it is done and is on its way at once. */
const LIFETIME_S = 60;

/** An answer as it is signed. */
export interface SignedAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: HeaderFields;
}

/**
 * Headers that make an answer one with a receipt; none when no key can sign.
 * @param request the verified one
 */
export async function signReceipt(
  { keys: { signer }, now }: Pick<SigningContext, 'keys' | 'now'>,
  request: SignedRequest,
  status: number,
  body: Uint8Array,
  receipt: Receipt,
): Promise<HeaderFields> {
  if (signer === undefined) return {};
  const headers = { [CONTENT_DIGEST]: await contentDigest(body), [RECEIPT_HEADER]: JSON.stringify(receipt) };
  const { keyid, algorithm: alg } = signer;
  const { signature, signatureInput } = await createSignature(describeAnswer({ status, headers }, request), {
    label: LABEL,
    components: COVERED,
    parameters: { created: Math.floor(now() / 1000), alg, keyid, tag: TAG },
    signer,
  });
  return { ...headers, signature, 'signature-input': signatureInput };
}

/**
 * The receipt of an answer.
 * @throws {TwinrouteError} `upstream` when there is none, or it is not a trusted key's over this answer to this request
 */
export async function verifyReceipt(
  { keys, now }: Pick<SigningContext, 'keys' | 'now'>,
  request: SignedRequest,
  answer: SignedAnswer,
  body: Uint8Array,
): Promise<Receipt> {
  if (answer.headers[CONTENT_DIGEST] !== (await contentDigest(body))) throw refused('its body differs from its digest');
  await verifyTagged(
    describeAnswer(answer, request),
    { label: LABEL, tag: TAG, covered: COVERED, parameters: [], maxAgeSeconds: LIFETIME_S },
    { keys, now },
    refused,
  );
  return parseJsonWith(Receipt, answer.headers[RECEIPT_HEADER], RECEIPT_HEADER, 'upstream');
}

function describeAnswer({ status, headers }: SignedAnswer, request: SignedRequest): ResponseDescriptor {
  const fields = Object.entries(headers).map(([name, value]) => ({ name, value }));
  return { kind: 'response', status, fields, request: describeRequest(request) };
}

function refused(why: string): TwinrouteError {
  return new TwinrouteError('upstream', `origin answer: expected a signed receipt, got none that holds: ${why}`);
}
