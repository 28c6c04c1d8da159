// Bytes in memory as a source: small packs, tests, and what arrives over a network.

import { TwinrouteError } from '../core/errors.ts';
import type { ByteSource } from './source.ts';

/** A source over `bytes`, which must not change while it is used; what it reads are copies. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    sizeBytes: bytes.length,
    read(offset, length) {
      if (offset >= 0 && length >= 0 && offset + length <= bytes.length) return Promise.resolve(bytes.slice(offset, offset + length));
      return Promise.reject(
        new TwinrouteError('format', `${name}: expected bytes ${offset} to ${offset + length}, got a source of ${bytes.length} bytes`),
      );
    },
  };
}
