// A publisher at work: sees what an edge serves, believes only what is signed, and makes the next release.

import { readFile } from 'node:fs/promises';
import type { Release, ReleaseContent } from '../../contract/release.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { KeyRing } from '../../formats/signing/key-ring.ts';
import { openPublishKeys } from '../../formats/signing/publish-keys.ts';
import { signRelease, verifyRelease, type VerifiedRelease } from '../../formats/signing/release-signature.ts';
import { textOption } from '../options.ts';
import type { Io, Values } from '../verb.ts';
import { contentOf, nextRelease, type ReleaseFacts } from './next-release.ts';
import { EDGE_OPTIONS, openReleases, type ReleasesClient } from './releases-client.ts';

/** Options of every verb that makes a release. */
export const PUBLISHER_OPTIONS = {
  ...EDGE_OPTIONS,
  key: { type: 'string', help: 'key file of signing-keys --publish; $TWINROUTE_PUBLISH_KEY, the text of one' },
  reason: { type: 'string', help: 'why, for the audit log' },
  by: { type: 'string', help: 'who, for the audit log; $USER' },
} as const;

/** A publisher. */
export interface Publisher {
  readonly client: ReleasesClient;
  /** The newest release. */
  readonly head: VerifiedRelease | undefined;
  /** What it serves, or what was deployed where there is none. */
  readonly content: ReleaseContent;
  /** A release of before. @throws {TwinrouteError} `integrity` when it is not signed by a key of the file */
  read(version: number): Promise<VerifiedRelease>;
  /** What a version serves; 0 is what was deployed. */
  contentAt(version: number): Promise<ReleaseContent>;
  /** Makes `content` the newest release. */
  release(content: ReleaseContent, action: Release['action'], restores?: number): Promise<VerifiedRelease>;
}

/**
 * Opens the edge and the key.
 * @param reason what stands in the audit log where none is given
 * @throws {TwinrouteError} `usage` when something is missing; `integrity` when the edge's newest release is not signed by a key of the file
 */
export async function openPublisher(values: Values, env: Io['env'], reason?: string): Promise<Publisher> {
  const facts = { by: textOption(values, 'by') ?? env['USER'] ?? 'unknown', reason: textOption(values, 'reason') ?? reason };
  if (facts.reason === undefined || facts.reason === '')
    throw new TwinrouteError('usage', 'expected --reason with a text for the audit log', { param: 'reason' });
  const client = openReleases(values, env);
  const keys = await openKey(values, env);
  const { head: signed, deployed } = await client.list();
  const head = signed === null ? undefined : await verifyRelease(keys, signed, 'newest release');
  const read = async (version: number): Promise<VerifiedRelease> => verifyRelease(keys, await client.get(version), `release ${version}`);
  const content = head === undefined ? { configs: deployed } : contentOf(head.release);
  return {
    client,
    head,
    content,
    read,
    contentAt: async (version) => (version === 0 ? { configs: deployed } : contentOf((await read(version)).release)),
    async release(next, action, restores) {
      const own: ReleaseFacts = {
        action,
        by: facts.by,
        reason: facts.reason ?? '',
        nowMs: Date.now(),
        ...(restores !== undefined && { restores }),
      };
      const release = await signRelease(keys, nextRelease(head, next, own));
      await client.commit(release.signed);
      return release;
    },
  };
}

async function openKey(values: Values, env: Io['env']): Promise<KeyRing> {
  const file = textOption(values, 'key');
  const text =
    file === undefined
      ? env['TWINROUTE_PUBLISH_KEY']
      : await readFile(file, 'utf8').catch((cause: unknown) => {
          throw new TwinrouteError('config', `${file}: expected a key file, got one that cannot be read`, { cause, param: 'key' });
        });
  if (text === undefined)
    throw new TwinrouteError('usage', 'expected --key with the file of a publish key, or its text in $TWINROUTE_PUBLISH_KEY', {
      param: 'key',
    });
  return openPublishKeys(text, file ?? '$TWINROUTE_PUBLISH_KEY', 'publisher');
}
