// `twinroute rollout CONFIG|VERSION|latest`: gives everybody, or a share of the users, a config that was published before.

import { TwinrouteError } from '../../core/errors.ts';
import { exactly, integerOption, textOption } from '../options.ts';
import { checkReady } from '../publish/check-ready.ts';
import { withDefault, withShare } from '../publish/next-release.ts';
import { openPublisher, PUBLISHER_OPTIONS, type Publisher } from '../publish/publisher.ts';
import type { Values, Verb } from '../verb.ts';

/** The verb `rollout`. */
export const rollout: Verb = {
  name: 'rollout',
  summary: 'gives everybody, or a share of the users, a config that was published before',
  usage: 'CONFIG|VERSION|latest --edge URL --key FILE --reason TEXT [--percent N [--unit user|key]] [--force]',
  options: {
    ...PUBLISHER_OPTIONS,
    percent: {
      type: 'string',
      help: 'share of the users, 1 to 99: an experiment that goes back by itself when errors rise; everybody without it',
    },
    unit: { type: 'string', help: "what a share is of: a request's user, or keys; user" },
    force: { type: 'boolean', help: 'even when origins do not serve the config' },
  },
  async run(positionals, values, io, json) {
    const [wanted] = exactly(positionals, 1, 'one CONFIG, VERSION or latest');
    const percent = integerOption(values, 'percent', 1, 99);
    const unit = unitOf(values, percent);
    const publisher = await openPublisher(values, io.env);
    const config = await configOf(publisher, wanted);
    const { content, client } = publisher;
    const next = percent === undefined ? withDefault(content, config) : withShare(content, config, percent, unit);
    const entry = content.configs.find((candidate) => candidate.config === config);
    if (entry !== undefined && values['force'] !== true) checkReady(await client.readiness(entry));
    const { release, sha256 } = await publisher.release(next, 'rollout');
    if (json) {
      io.out(JSON.stringify({ version: release.version, sha256, config, percent: percent ?? 100 }));
      return;
    }
    io.out(`version ${release.version}: ${config} for ${percent === undefined ? 'everybody' : `${percent} % of ${unit}s`}`);
    io.log('twinroute rollback takes it back');
  },
};

function unitOf(values: Values, percent: number | undefined): 'user' | 'key' {
  const unit = textOption(values, 'unit') ?? 'user';
  if (unit !== 'user' && unit !== 'key')
    throw new TwinrouteError('usage', `--unit: expected user or key, got "${unit}"`, { param: 'unit' });
  if (values['unit'] !== undefined && percent === undefined)
    throw new TwinrouteError('usage', 'expected --percent beside --unit, got none', { param: 'unit' });
  return unit;
}

/** The config that is meant: by its id, by the version that published it, or the last one that is staged. */
async function configOf({ content, read }: Publisher, wanted: string): Promise<string> {
  if (/^[0-9a-f]{16}$/.test(wanted)) return wanted;
  if (wanted === 'latest') return content.configs[content.configs.length - 1].config;
  if (!/^[1-9]\d{0,8}$/.test(wanted))
    throw new TwinrouteError('usage', `expected a config's id, a version or latest, got "${wanted}"`, { param: 'config' });
  const { configs, action } = (await read(Number(wanted))).release;
  if (action !== 'publish') throw new TwinrouteError('config', `version ${wanted}: expected one that published a config, got a ${action}`);
  return configs[configs.length - 1].config;
}
