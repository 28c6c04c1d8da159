// The part of the admin API that publishes: blobs, releases, and whether origins are ready for a config. The root secret lets a caller in; what a
// release says counts only by its signature, so that whoever has the secret alone can publish nothing.

import type { Context } from 'hono';
import type { z } from 'zod/mini';
import { ConfigId, Count, Sha256 } from '../../contract/names.ts';
import { parseJsonWith, parseWith } from '../../contract/parse.ts';
import { readBounded } from '../../contract/read-bounded.ts';
import {
  Release,
  RELEASE_LIMITS,
  type BlobAnswer,
  type ReadinessAnswer,
  type ReleasedAnswer,
  type ReleasesAnswer,
} from '../../contract/release.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { verifyRelease } from '../../formats/signing/release-signature.ts';
import type { StoredRelease } from '../durable/releases.ts';
import { toTwinrouteError } from '../errors.ts';
import { readBundle } from '../load-config.ts';
import { readJson } from '../read-json.ts';
import type { Route } from '../route.ts';
import { hasBlob, putBlob } from './blobs.ts';
import type { Releases } from './port.ts';
import { askReadiness, type ReadinessDeps } from './readiness.ts';
import { fetchFrom, gatherFiles } from './stage-files.ts';

/** Releases in the audit log that are told at once. */
const HISTORY = 100;

/** What these routes need. */
export interface ReleaseRouteDeps extends ReadinessDeps {
  readonly releases: Releases;
}

/** These routes. */
export function releaseRoutes({ releases, ...deps }: ReleaseRouteDeps): readonly Route[] {
  const { bucket } = releases;
  return [
    {
      method: 'get',
      path: '/admin/v1/blobs/{sha256}',
      access: 'root',
      summary: 'Tells whether a file is there that a release may name',
      answer: 'BlobAnswer',
      errors: ['not_found', 'invalid_request'],
      async handler(c) {
        const sha256 = hashOf(c);
        if (await hasBlob(bucket, sha256)) return c.json({ sha256 } satisfies BlobAnswer);
        throw new TwinrouteError('not_found', `blob: expected one that was uploaded, got ${sha256}`, { param: 'sha256' });
      },
    },
    {
      method: 'put',
      path: '/admin/v1/blobs/{sha256}',
      access: 'root',
      summary: 'Keeps a file under its hash; nothing is served that no release names',
      request: { type: 'application/octet-stream', description: 'The bytes of an edge.json, a router.onnx or a tokenizer.json' },
      answer: 'BlobAnswer',
      status: [201],
      async handler(c) {
        const sha256 = hashOf(c);
        const tooLarge = () =>
          new TwinrouteError('too_large', `blob: expected at most ${RELEASE_LIMITS.routerBytes} bytes, got more`, { param: 'body' });
        await putBlob(bucket, sha256, await readBounded(c.req.raw, RELEASE_LIMITS.routerBytes, tooLarge));
        return c.json({ sha256 } satisfies BlobAnswer, 201);
      },
    },
    {
      method: 'get',
      path: '/admin/v1/releases',
      access: 'root',
      summary: 'Lists what was published, newest first, with who, when and why',
      answer: 'ReleasesAnswer',
      async handler(c) {
        const stored = await releases.history().list(HISTORY);
        const { configs } = await releases.deployed.index();
        return c.json({ head: stored[0]?.signed ?? null, deployed: configs, history: stored.map(toLine) } satisfies ReleasesAnswer);
      },
    },
    {
      method: 'get',
      path: '/admin/v1/releases/{release}',
      access: 'root',
      summary: 'Gives one release as it was signed',
      answer: 'SignedRelease',
      errors: ['not_found', 'invalid_request'],
      async handler(c) {
        const version = parseJsonWith(Count, c.req.param('release') ?? '', 'release', 'invalid_request');
        const stored = await releases.history().get(version);
        if (stored !== undefined) return c.json(stored.signed);
        throw new TwinrouteError('not_found', `release: expected a version that GET /admin/v1/releases lists, got ${version}`);
      },
    },
    {
      method: 'post',
      path: '/admin/v1/releases',
      access: 'root',
      summary: 'Publishes a signed release that follows the newest one',
      request: 'SignedRelease',
      answer: 'ReleasedAnswer',
      status: [201],
      errors: ['forbidden', 'conflict'],
      async handler(c) {
        const { release, sha256, signed } = await verified(releases, await readJson(c.req.raw));
        const { version, previous } = release;
        releases.check(release);
        await gatherFiles(releases, release.configs);
        const committed = await releases.history().commit({ version, sha256, signed }, previous?.sha256);
        if (committed.kind === 'committed') return c.json({ version, sha256 } satisfies z.infer<typeof ReleasedAnswer>, 201);
        throw new TwinrouteError(
          'conflict',
          `release: expected one that follows version ${committed.head}, got version ${version}: somebody else published meanwhile`,
          { param: 'version', details: { head: committed.head } },
        );
      },
    },
    {
      method: 'get',
      path: '/admin/v1/readiness/{config}/{sha256}',
      access: 'root',
      summary: 'Asks every endpoint that should serve a config whether it does',
      answer: 'ReadinessAnswer',
      errors: ['invalid_request', 'not_found'],
      async handler(c) {
        const config = parseWith(ConfigId, c.req.param('config'), 'config', 'invalid_request');
        const { bundle } = await readBundle(fetchFrom(releases), { config, sha256: hashOf(c) }).catch((cause: unknown) => {
          throw new TwinrouteError('not_found', `config: expected one that was uploaded or deployed, got ${config}`, { cause });
        });
        return c.json((await askReadiness(deps, bundle)) satisfies ReadinessAnswer);
      },
    },
  ];
}

function hashOf(c: Context): string {
  return parseWith(Sha256, c.req.param('sha256'), 'sha256', 'invalid_request');
}

/** A release that a caller sent. Whatever is wrong with it is the caller's fault. */
async function verified(releases: Releases, value: unknown) {
  try {
    return await verifyRelease(releases.keys, value, 'release');
  } catch (thrown) {
    const { code, message, param = 'body' } = toTwinrouteError(thrown);
    throw new TwinrouteError(code === 'integrity' ? 'forbidden' : code, message, { param, cause: thrown });
  }
}

function toLine({ version, sha256, signed: { kid, payload }, receivedMs }: StoredRelease): ReleasesAnswer['history'][number] {
  const { action, by, reason, restores, configs } = parseJsonWith(Release, payload, `release ${version}`, 'internal');
  return { version, sha256, kid, received_ms: receivedMs, action, by, reason, configs, ...(restores !== undefined && { restores }) };
}
