// Releases on what a deployment binds.

import { Count } from '../../contract/names.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { RELEASE_KEY } from '../../contract/release.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { openPublishKeys } from '../../formats/signing/publish-keys.ts';
import type { EdgeEnv } from '../env.ts';
import type { ReleaseStore } from './port.ts';

/** The shortest that Workers KV allows. */
const KV_CACHE_SECONDS = 30;

/**
 * Where releases are kept; undefined without keys of those who may publish: such an edge serves what was deployed.
 * @throws {TwinrouteError} `config` for keys that are none, or private; `unavailable` for a missing binding: no release is overlooked by mistake
 */
export async function bindReleases(env: EdgeEnv): Promise<ReleaseStore | undefined> {
  const { PUBLISH_KEYS, RELEASE_TTL_SECONDS, CONFIG, PACKS, RELEASES } = env;
  if (PUBLISH_KEYS === undefined) return undefined;
  if (CONFIG === undefined || PACKS === undefined || RELEASES === undefined)
    throw new TwinrouteError('unavailable', 'env: expected CONFIG, PACKS and RELEASES beside PUBLISH_KEYS, got less');
  return {
    keys: await openPublishKeys(PUBLISH_KEYS, 'PUBLISH_KEYS', 'edge'),
    readNotice: async () => (await CONFIG.get(RELEASE_KEY, { cacheTtl: KV_CACHE_SECONDS })) ?? undefined,
    history: () => RELEASES.getByName('all'),
    bucket: PACKS,
    ttlMs: 1000 * parseJsonWith(Count, RELEASE_TTL_SECONDS ?? '30', 'RELEASE_TTL_SECONDS', 'unavailable'),
  };
}
