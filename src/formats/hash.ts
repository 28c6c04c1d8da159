// Hashing as a dependency: node:crypto in a build or an origin, something else elsewhere. Streaming, because packs outgrow memory.

import { readChunks, type ByteSource } from './source.ts';

/** A running sha256. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Lower-case hex; the hasher must not be used afterwards. */
  hexDigest(): string;
}

/** Starts a sha256. */
export type CreateHasher = () => Hasher;

/**
 * sha256 of a source as lower-case hex, read in chunks of 1 MiB.
 */
export async function hashSource(source: ByteSource, createHasher: CreateHasher): Promise<string> {
  const hasher = createHasher();
  for await (const chunk of readChunks(source)) hasher.update(chunk);
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
