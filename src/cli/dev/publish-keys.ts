// Keys for publishing to the edge of `twinroute dev`: given, or made once beside the edge's state.

import { join } from 'node:path';
import { generatePublishKeys } from '../../formats/signing/publish-keys.ts';
import { readIfThere } from '../../host/read-if-there.ts';
import { writeKeyFiles } from '../key-files.ts';
import type { Io } from '../verb.ts';

const PUBLISHER = 'publisher.json';
const EDGE = 'publish-keys.json';

/** What the edge is given, and who may publish on it. */
export interface DevPublishKeys {
  /** The variable `PUBLISH_KEYS`. */
  readonly edge: string;
  /** The publisher's file; undefined where the environment gave the edge's keys. */
  readonly publisher: string | undefined;
}

/**
 * The keys; undefined without accounts, since publishing is behind the root secret, and without a folder for state.
 * @throws {TwinrouteError} `config` when the files cannot be written
 */
export async function devPublishKeys(env: Io['env'], stateFolder: string | undefined): Promise<DevPublishKeys | undefined> {
  const given = env['PUBLISH_KEYS'];
  if (given !== undefined) return { edge: given, publisher: undefined };
  if (env['ADMIN_SECRET'] === undefined || stateFolder === undefined) return undefined;
  const publisher = join(stateFolder, PUBLISHER);
  const edge = join(stateFolder, EDGE);
  const there = await readIfThere(edge);
  if (there !== undefined) return { edge: there, publisher };
  const sets = await generatePublishKeys();
  await writeKeyFiles(stateFolder, { [PUBLISHER]: sets.publisher, [EDGE]: sets.edge });
  return { edge: JSON.stringify(sets.edge), publisher };
}
