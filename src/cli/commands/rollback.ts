// `twinroute rollback`: what an earlier version served is served again, as a new version.

import { TwinrouteError } from '../../core/errors.ts';
import { exactly, integerOption } from '../options.ts';
import { openPublisher, PUBLISHER_OPTIONS, type Publisher } from '../publish/publisher.ts';
import type { Verb } from '../verb.ts';

/** The verb `rollback`. */
export const rollback: Verb = {
  name: 'rollback',
  summary: 'serves again what an earlier version served, as a new version',
  usage: '--edge URL --key FILE --reason TEXT [--to VERSION]',
  options: {
    ...PUBLISHER_OPTIONS,
    to: {
      type: 'string',
      help: 'the version; 0 for what was deployed; without it the one before what is served, so twice goes back twice',
    },
  },
  async run(positionals, values, io, json) {
    exactly(positionals, 0, 'no arguments');
    const to = integerOption(values, 'to', 0, 999_999_999);
    const publisher = await openPublisher(values, io.env);
    const target = to ?? (await versionBefore(publisher));
    const { release, sha256 } = await publisher.release(await publisher.contentAt(target), 'rollback', target);
    const [{ config, name }] = release.configs;
    io.out(
      json
        ? JSON.stringify({ version: release.version, sha256, restores: target, default: config })
        : `version ${release.version}: as version ${target}, default ${name} ${config}`,
    );
  },
};

/** The version before the one whose content is served. Rollbacks are no content of their own. */
async function versionBefore({ head, read }: Publisher): Promise<number> {
  if (head === undefined) throw new TwinrouteError('config', 'rollback: expected something published, got nothing');
  const served = head.release.restores ?? head.release.version;
  if (served === 0) throw new TwinrouteError('config', 'rollback: expected an earlier version, got none: what was deployed is served');
  const { previous } = (await read(served)).release;
  if (previous === undefined) return 0;
  const { version, restores } = (await read(previous.version)).release;
  return restores ?? version;
}
