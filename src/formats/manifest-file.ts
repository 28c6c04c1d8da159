// manifest.json as bytes. The manifest vouches for every other file, so it has to vouch for itself: its last field, `digest`, is the
// sha256 of the canonical JSON of all other fields, and the bytes must be exactly the ones that this writer makes.

import * as z from 'zod/mini';
import { canonicalJson } from '../core/canonical-json.ts';
import { TwinrouteError } from '../core/errors.ts';
import { Manifest, MANIFEST_SCHEMA } from '../contract/manifest.ts';
import { parseJsonWith, parseWith } from '../contract/parse.ts';
import { hashText, type CreateHasher } from './hash.ts';

/** Name of the manifest in a pack. */
export const MANIFEST_FILE = 'manifest.json';

/** Larger than any manifest: 10,000 experts of 500 tensors stay below. */
const MAX_MANIFEST_BYTES = 1 << 30;

/** What every version of a manifest is. */
const Vouched = z.looseObject({ digest: z.string() });

/** The bytes of manifest.json. */
export function encodeManifest(manifest: Manifest, createHasher: CreateHasher): Uint8Array {
  return new TextEncoder().encode(spell(manifest, hashText(canonicalJson(manifest), createHasher)));
}

/**
 * The manifest of a pack's manifest.json.
 * @throws {TwinrouteError} `integrity` when a byte was changed; `format` when it is no manifest; `unsupported` for a newer schema
 */
export function decodeManifest(bytes: Uint8Array, createHasher: CreateHasher, name: string = MANIFEST_FILE): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw new TwinrouteError('format', `${name}: expected at most ${MAX_MANIFEST_BYTES} bytes, got ${bytes.length}`);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const { digest, ...fields } = parseJsonWith(Vouched, text, name, 'format');
  const actual = hashText(canonicalJson(fields), createHasher);
  if (actual !== digest || spell(fields, digest) !== text) {
    throw new TwinrouteError(
      'integrity',
      `${name}: expected content with digest ${digest}, got ${actual}; the pack was changed or damaged after it was built`,
    );
  }
  if (typeof fields['schema'] === 'number' && fields['schema'] > MANIFEST_SCHEMA) {
    throw new TwinrouteError(
      'unsupported',
      `${name}: expected schema ${MANIFEST_SCHEMA}, got ${fields['schema']}; a newer twinroute wrote this pack`,
    );
  }
  return parseWith(Manifest, fields, name, 'format');
}

function spell(fields: object, digest: string): string {
  return `${JSON.stringify({ ...fields, digest }, null, 1)}\n`;
}
