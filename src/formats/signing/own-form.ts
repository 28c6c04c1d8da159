// Signatures in the one form in which twinroute writes them: given components in a given order, with values that are themselves already. Their base is
// a few joined strings; the package http-message-sig, which takes every form, copies, parses and serialises for about 0.1 ms each time. What does
// not look like this form is left to the package, so nothing is refused here that it would take.
// Source: RFC 9421 sections 2.5 and 3

import type { Signer, Verifier } from 'http-message-sig';
import type { HeaderFields } from './request-signature.ts';

/** One kind of signature. */
export interface OwnForm {
  readonly label: string;
  /** Its purpose. */
  readonly tag: string;
  /** Component identifiers as they are serialised. */
  readonly components: readonly string[];
}

/** A signature and what was said about it, verified by nobody yet. */
export interface OwnSignature {
  readonly created: number;
  readonly algorithm: string;
  readonly keyid: string;
  readonly tag: string;
  /** Whether the verifier knows it for its own. */
  isOf(verifier: Verifier): Promise<boolean>;
}

/** A field's or component's value that is its own canonical form. */
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const PARAMETERS = /^;created=(\d{1,12});alg="([\w-]{1,40})";keyid="([\w.:-]{1,64})";tag="([\w-]{1,64})"$/;
const SIGNATURE = /^:([A-Za-z0-9+/]{2,1000}={0,2}):$/;

const utf8 = new TextEncoder();

/**
 * The two fields of a signature; undefined when a value is not plain.
 * @param values of the form's components, in their order
 * @param created seconds since 1970
 * @param more further parameters as they are serialised, between `created` and `alg`
 */
export async function signOwnForm(
  { label, tag, components }: OwnForm,
  values: readonly (string | undefined)[],
  { created, more = '' }: { readonly created: number; readonly more?: string },
  signer: Signer & { readonly keyid: string },
): Promise<HeaderFields | undefined> {
  if (!arePlain(values)) return undefined;
  const input = `(${components.join(' ')});created=${created}${more};alg="${signer.algorithm}";keyid="${signer.keyid}";tag="${tag}"`;
  const signature = await signer.sign(baseOf(components, values, input));
  return { signature: `${label}=:${btoa(String.fromCharCode(...signature))}:`, 'signature-input': `${label}=${input}` };
}

/** The signature among `headers`; undefined when it is not of this form, or a value is not plain. */
export function readOwnForm(
  { label, components }: OwnForm,
  values: readonly (string | undefined)[],
  headers: HeaderFields,
): OwnSignature | undefined {
  const input = after(`${label}=`, headers['signature-input']);
  const [, created, algorithm, keyid, tag] = PARAMETERS.exec(after(`(${components.join(' ')})`, input) ?? '') ?? [];
  const [, base64] = SIGNATURE.exec(after(`${label}=`, headers['signature']) ?? '') ?? [];
  if (input === undefined || created === undefined || base64 === undefined) return undefined;
  if (!arePlain(values)) return undefined;
  const isOf = async (verifier: Verifier): Promise<boolean> => verifier.verify(baseOf(components, values, input), bytesOf(base64));
  return { created: Number(created), algorithm, keyid, tag, isOf };
}

function arePlain(values: readonly (string | undefined)[]): values is readonly string[] {
  return values.every((value) => value !== undefined && PLAIN.test(value));
}

function baseOf(components: readonly string[], values: readonly string[], input: string): Uint8Array {
  const lines = components.map((component, i) => `${component}: ${values[i]}\n`).join('');
  return utf8.encode(`${lines}"@signature-params": ${input}`);
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));
  } catch {
    return new Uint8Array(0); // nobody's signature
  }
}

/** What follows `prefix`; undefined where the text does not begin with it. */
function after(prefix: string, text: string | undefined): string | undefined {
  return text?.startsWith(prefix) === true ? text.slice(prefix.length) : undefined;
}
