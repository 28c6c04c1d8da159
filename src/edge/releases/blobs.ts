// Blobs in the bucket, each under the hash of its bytes.

import { RELEASE_LIMITS } from '../../contract/release.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { sha256Hex } from '../sha256.ts';
import { within } from '../within.ts';

/** Longest wait for a blob. */
const BLOB_MS = 10_000;

/**
 * A blob as a response, its bytes not yet held against its hash; 404 when there is none.
 * @throws {TwinrouteError} `timeout` when the bucket does not give it in time; `integrity` for one that is larger than any may be
 */
export function fetchBlob(bucket: R2Bucket, sha256: string): Promise<Response> {
  const read = async (): Promise<Response> => {
    const object = await bucket.get(keyOf(sha256));
    if (object === null) return new Response(null, { status: 404 });
    if (object.size <= RELEASE_LIMITS.routerBytes) return new Response(await object.arrayBuffer());
    throw new TwinrouteError('integrity', `blob ${sha256}: expected at most ${RELEASE_LIMITS.routerBytes} bytes, got ${object.size}`);
  };
  const late = (): TwinrouteError => new TwinrouteError('timeout', `blob ${sha256}: expected it within ${BLOB_MS} ms, got nothing`);
  return within(read(), BLOB_MS, late);
}

/** Whether the bucket has the blob, by the hash that it keeps itself; other bytes in its place count for nothing, so that they are replaced. */
export async function hasBlob(bucket: R2Bucket, sha256: string): Promise<boolean> {
  return (await bucket.head(keyOf(sha256)))?.checksums.toJSON().sha256 === sha256;
}

/**
 * Keeps a blob; keeping it again changes nothing.
 * @throws {TwinrouteError} `invalid_request` for bytes of another hash: half an upload, or another file
 */
export async function putBlob(bucket: R2Bucket, sha256: string, bytes: Uint8Array): Promise<void> {
  const got = await sha256Hex(bytes);
  if (got !== sha256)
    throw new TwinrouteError('invalid_request', `blob: expected bytes with sha256 ${sha256}, got ${bytes.length} bytes with ${got}`, {
      param: 'body',
    });
  await bucket.put(keyOf(sha256), bytes, { sha256 });
}

function keyOf(sha256: string): string {
  return `blobs/${sha256}`;
}
