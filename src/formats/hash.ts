// Hashing as a dependency: node:crypto in a build or an origin, something else elsewhere. Streaming, because packs outgrow memory.

import type { ByteSource } from './source.ts';

/** A running sha256. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Lower-case hex; the hasher must not be used afterwards. */
  hexDigest(): string;
}

/** Starts a sha256. */
export type CreateHasher = () => Hasher;

const CHUNK_BYTES = 4 << 20;

/**
 * sha256 of a source as lower-case hex, read in chunks of 4 MiB into one buffer.
 */
export async function hashSource(source: ByteSource, createHasher: CreateHasher): Promise<string> {
  const hasher = createHasher();
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, source.sizeBytes));
  for (let offset = 0; offset < source.sizeBytes; offset += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, source.sizeBytes - offset);
    hasher.update(await source.read(offset, length, buffer.subarray(0, length)));
  }
  return hasher.hexDigest();
}

/** sha256 of bytes as lower-case hex. */
export function hashBytes(bytes: Uint8Array, createHasher: CreateHasher): string {
  const hasher = createHasher();
  hasher.update(bytes);
  return hasher.hexDigest();
}

/** sha256 of a text's UTF-8 bytes as lower-case hex. */
export function hashText(text: string, createHasher: CreateHasher): string {
  return hashBytes(new TextEncoder().encode(text), createHasher);
}
