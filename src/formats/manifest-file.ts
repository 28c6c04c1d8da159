// manifest.json as bytes.

import { TwinrouteError } from '../core/errors.ts';
import { Manifest, MANIFEST_SCHEMA } from '../contract/manifest.ts';
import { parseWith } from '../contract/parse.ts';
import type { CreateHasher } from './hash.ts';
import { decodeVouched, encodeVouched } from './vouched-json.ts';

/** Name of the manifest in a pack. */
export const MANIFEST_FILE = 'manifest.json';

/** The bytes of manifest.json. */
export function encodeManifest(manifest: Manifest, createHasher: CreateHasher): Uint8Array {
  return encodeVouched(manifest, createHasher);
}

/**
 * The manifest of a pack's manifest.json.
 * @throws {TwinrouteError} `integrity` when a byte was changed; `format` when it is no manifest; `unsupported` for a newer schema
 */
export function decodeManifest(bytes: Uint8Array, createHasher: CreateHasher, name: string = MANIFEST_FILE): Manifest {
  const fields = decodeVouched(bytes, createHasher, name, 'the pack');
  if (typeof fields['schema'] === 'number' && fields['schema'] > MANIFEST_SCHEMA) {
    throw new TwinrouteError(
      'unsupported',
      `${name}: expected schema ${MANIFEST_SCHEMA}, got ${fields['schema']}; a newer twinroute wrote this pack`,
    );
  }
  return parseWith(Manifest, fields, name, 'format');
}
