// Before a release is made, every file that it names has to be in the bucket, so that it stands on its own. Files of deployed packs are copied there:
// the next deployment may bring others.

import { RELEASE_LIMITS, type Release } from '../../contract/release.ts';
import { isTwinrouteError, TwinrouteError } from '../../core/errors.ts';
import { besideBundle, readBundle, readFile, type LoadDeps } from '../load-config.ts';
import { fetchBlob, hasBlob, putBlob } from './blobs.ts';

/** Where files may lie before they are in a release. */
export interface FileSources {
  readonly bucket: R2Bucket;
  /** A file that was deployed, by its path. */
  readonly fetchAsset: (path: string) => Promise<Response>;
}

/** Files from the bucket, or else from what was deployed. */
export function fetchFrom({ bucket, fetchAsset }: FileSources): LoadDeps['fetchFile'] {
  return async ({ sha256, path }) => ((await hasBlob(bucket, sha256)) ? fetchBlob(bucket, sha256) : fetchAsset(path));
}

/**
 * Sees to it that the files of all configs are in the bucket.
 * @throws {TwinrouteError} `invalid_request` when one is neither there nor deployed, or routers are too large for one isolate
 */
export async function gatherFiles(sources: FileSources, configs: Release['configs']): Promise<void> {
  const fetchFile = fetchFrom(sources);
  let routerBytes = 0;
  for (const entry of configs) {
    try {
      const { bundle, bytes } = await readBundle(fetchFile, entry);
      await keep(sources.bucket, entry.sha256, async () => bytes);
      const { router, tokenizer } = bundle;
      routerBytes += router?.bytes ?? 0;
      for (const file of [router, tokenizer])
        if (file !== undefined)
          await keep(sources.bucket, file.sha256, () => readFile(fetchFile, besideBundle(entry.config, file), RELEASE_LIMITS.routerBytes));
    } catch (cause) {
      if (!isTwinrouteError(cause)) throw cause;
      const message = `configs: expected files of ${entry.config} that were uploaded or deployed, got: ${cause.message}`;
      throw new TwinrouteError('invalid_request', message, { param: 'configs', cause });
    }
  }
  if (routerBytes <= RELEASE_LIMITS.routerBytes) return;
  throw new TwinrouteError(
    'invalid_request',
    `configs: expected routers of at most ${RELEASE_LIMITS.routerBytes} bytes together, got ${routerBytes}`,
    { param: 'configs' },
  );
}

async function keep(bucket: R2Bucket, sha256: string, read: () => Promise<Uint8Array>): Promise<void> {
  if (!(await hasBlob(bucket, sha256))) await putBlob(bucket, sha256, await read());
}
