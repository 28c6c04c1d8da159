// JSON that vouches for other files and so has to vouch for itself: its last field, `digest`, is the sha256 of the canonical JSON of all other
// fields, and the bytes must be exactly the ones that this writer makes.

import * as z from 'zod/mini';
import { canonicalJson } from '../core/canonical-json.ts';
import { TwinrouteError } from '../core/errors.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { hashText, type CreateHasher } from './hash.ts';

/** Larger than any of them: 10,000 experts of 500 tensors stay below. */
const MAX_BYTES = 1 << 30;

/** What every version of such a file is. */
const Vouched = z.looseObject({ digest: z.string() });

/** The bytes of a file with these fields. */
export function encodeVouched(fields: object, createHasher: CreateHasher): Uint8Array {
  return new TextEncoder().encode(spell(fields, hashText(canonicalJson(fields), createHasher)));
}

/**
 * The fields of a file, of whatever schema.
 * @param what was changed when the digest differs, e.g. `the pack`
 * @throws {TwinrouteError} `integrity` when a byte was changed; `format` when it is too large or no such JSON
 */
export function decodeVouched(bytes: Uint8Array, createHasher: CreateHasher, name: string, what: string): Record<string, unknown> {
  if (bytes.length > MAX_BYTES) throw new TwinrouteError('format', `${name}: expected at most ${MAX_BYTES} bytes, got ${bytes.length}`);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const { digest, ...fields } = parseJsonWith(Vouched, text, name, 'format');
  const actual = hashText(canonicalJson(fields), createHasher);
  if (actual === digest && spell(fields, digest) === text) return fields;
  throw new TwinrouteError(
    'integrity',
    `${name}: expected content with digest ${digest}, got ${actual}; ${what} was changed or damaged after it was built`,
  );
}

function spell(fields: object, digest: string): string {
  return `${JSON.stringify({ ...fields, digest }, null, 1)}\n`;
}
