// An origin's receipt for an answer: what it served, for which request, signed together with the body. It travels in a header.
// Source: RFC 9421 section 2.4: the answer's signature covers the request's, so that neither can be paired with another.

import { component, createSignature, type ResponseDescriptor } from 'http-message-sig';
import { parseJsonWith } from '../../contract/parse.ts';
import { Receipt, RECEIPT_HEADER } from '../../contract/receipt.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { CONTENT_DIGEST, contentDigest } from './content-digest.ts';
import { ALGORITHMS } from './key-ring.ts';
import { readOwnForm, signOwnForm, type OwnForm, type OwnSignature } from './own-form.ts';
import { describeRequest, REQUEST_LABEL, type HeaderFields, type SignedRequest, type SigningContext } from './request-signature.ts';
import { SKEW_S, verifyTagged } from './verify-tagged.ts';

const LABEL = 'origin';
const TAG = 'twinroute-receipt';
const COVERED = ['@status', CONTENT_DIGEST, RECEIPT_HEADER, component('signature', { req: true, key: REQUEST_LABEL })];
const OWN_FORM: OwnForm = {
  label: LABEL,
  tag: TAG,
  components: ['"@status"', `"${CONTENT_DIGEST}"`, `"${RECEIPT_HEADER}"`, `"signature";req;key="${REQUEST_LABEL}"`],
};
/** The whole field of a request with the edge's signature alone. */
const OWN_SIGNATURE = new RegExp(`^${REQUEST_LABEL}=(:[A-Za-z0-9+/]+={0,2}:)$`);
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
  const created = Math.floor(now() / 1000);
  const own = await signOwnForm(OWN_FORM, valuesOf(status, headers, request), { created }, signer);
  if (own !== undefined) return { ...headers, ...own };
  const { keyid, algorithm: alg } = signer;
  const { signature, signatureInput } = await createSignature(describeAnswer({ status, headers }, request), {
    label: LABEL,
    components: COVERED,
    parameters: { created, alg, keyid, tag: TAG },
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
  const own = readOwnForm(OWN_FORM, valuesOf(answer.status, answer.headers, request), answer.headers);
  if (own !== undefined) await verifyOwn(own, { keys, now });
  else
    await verifyTagged(
      describeAnswer(answer, request),
      { label: LABEL, tag: TAG, covered: COVERED, parameters: [], maxAgeSeconds: LIFETIME_S },
      { keys, now },
      refused,
    );
  return parseJsonWith(Receipt, answer.headers[RECEIPT_HEADER], RECEIPT_HEADER, 'upstream');
}

/** The same checks as verifyTagged's. */
async function verifyOwn(own: OwnSignature, { keys, now }: Pick<SigningContext, 'keys' | 'now'>): Promise<void> {
  const ageSeconds = Math.floor(now() / 1000) - own.created;
  if (ageSeconds < -SKEW_S || ageSeconds > LIFETIME_S + SKEW_S) throw refused('it is not of now');
  const verifier = own.tag === TAG ? keys.verifier(own.keyid) : undefined;
  if (verifier === undefined) throw refused('unknown key or tag');
  if (verifier.algorithm !== own.algorithm || !ALGORITHMS.includes(own.algorithm)) throw refused('another algorithm');
  if (!(await own.isOf(verifier))) throw refused('another signature');
}

/** Values of `OWN_FORM`; undefined where there is none, or one of another form. */
function valuesOf(status: number, headers: HeaderFields, request: SignedRequest): readonly (string | undefined)[] {
  const signature = request.headers['signature'] ?? '';
  const [, own] = OWN_SIGNATURE.exec(signature) ?? [];
  return [String(status), headers[CONTENT_DIGEST], headers[RECEIPT_HEADER], own];
}

function describeAnswer({ status, headers }: SignedAnswer, request: SignedRequest): ResponseDescriptor {
  const fields = Object.entries(headers).map(([name, value]) => ({ name, value }));
  return { kind: 'response', status, fields, request: describeRequest(request) };
}

function refused(why: string): TwinrouteError {
  return new TwinrouteError('upstream', `origin answer: expected a signed receipt, got none that holds: ${why}`);
}
