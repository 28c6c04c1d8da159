// `twinroute publish PACK…`: puts packs on a running edge, staged: they answer what names their config, not yet everybody.

import { Experiments } from '../../contract/experiments.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { PriceList } from '../../contract/price-list.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { listOption, textOption } from '../options.ts';
import { checkReady, whatIsMissing } from '../publish/check-ready.ts';
import { withPublished, type Publication } from '../publish/next-release.ts';
import { readPackFiles, type PackFiles } from '../publish/pack-files.ts';
import { openPublisher, PUBLISHER_OPTIONS, type Publisher } from '../publish/publisher.ts';
import { readText } from '../read-text.ts';
import type { Io, Values, Verb } from '../verb.ts';

/** The verb `publish`. */
export const publish: Verb = {
  name: 'publish',
  summary: 'puts packs on a running edge, staged: requests and experiments that name their config get them',
  usage: '[PACK…] --edge URL --key FILE [--experiments FILE] [--prices FILE] [--remove CONFIG] [--check] [--replace]',
  options: {
    ...PUBLISHER_OPTIONS,
    experiments: { type: 'string', help: 'experiments between configs, as JSON, in place of those that are published' },
    prices: { type: 'string', help: 'price list, as JSON, in place of the one that holds' },
    remove: { type: 'string', multiple: true, help: 'a config to take away' },
    check: { type: 'boolean', help: 'fails before anything is published when origins do not serve the packs yet; else that is only said' },
    replace: { type: 'boolean', help: 'packs take the place of other files of the same config, at once' },
  },
  async run(positionals, values, io, json) {
    const remove = listOption(values, 'remove');
    const documents = await readDocuments(values);
    if (positionals.length + remove.length + Object.keys(documents).length === 0)
      throw new TwinrouteError('usage', 'expected a PACK, --experiments, --prices or --remove, got nothing');
    const packs: PackFiles[] = [];
    for (const path of positionals) packs.push(await readPackFiles(path));
    const entries = packs.map(({ entry }) => entry);
    const publisher = await openPublisher(values, io.env, `publish ${positionals.join(', ')}`);
    const content = withPublished(publisher.content, { entries, remove, replace: values['replace'] === true, ...documents });
    const uploaded = await upload(publisher, packs, io);
    const notReady = await lookAtOrigins(publisher, packs, values['check'] === true);
    const { release, sha256 } = await publisher.release(content, 'publish');
    const [{ config: standard }] = release.configs;
    const staged = entries.map(({ config }) => config).filter((config) => config !== standard);
    if (json) {
      io.out(JSON.stringify({ version: release.version, sha256, default: standard, staged, uploaded, not_ready: notReady }));
      return;
    }
    for (const problem of notReady) io.log(`not ready: ${problem}`);
    const names = release.configs.map(({ config, name }) => `${name} ${config}${config === standard ? ' (default)' : ''}`);
    io.out(`version ${release.version}: ${names.join(', ')}`);
    for (const config of staged)
      io.log(`staged: a request with "config": "${config}" gets it; twinroute rollout ${config} gives it to everybody`);
  },
};

async function readDocuments(values: Values): Promise<Pick<Publication, 'experiments' | 'prices'>> {
  const [experiments, prices] = [textOption(values, 'experiments'), textOption(values, 'prices')];
  return {
    ...(experiments !== undefined && { experiments: parseJsonWith(Experiments, await readText(experiments), experiments, 'config') }),
    ...(prices !== undefined && { prices: parseJsonWith(PriceList, await readText(prices), prices, 'config') }),
  };
}

/** Uploads what the edge lacks; the number of files. */
async function upload({ client }: Publisher, packs: readonly PackFiles[], io: Io): Promise<number> {
  const blobs = packs.flatMap((pack) => [...pack.blobs]);
  let sent = 0;
  for (const [i, [sha256, bytes]] of blobs.entries()) {
    if (await client.upload(sha256, bytes)) sent += 1;
    io.progress({ stage: 'upload', done: i + 1, total: blobs.length });
  }
  return sent;
}

/** What keeps origins from serving the packs. @throws {TwinrouteError} `unavailable` when something does and `must` */
async function lookAtOrigins({ client }: Publisher, packs: readonly PackFiles[], must: boolean): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { entry } of packs) {
    const answer = await client.readiness(entry);
    if (must) checkReady(answer);
    problems.push(...whatIsMissing(answer).map((problem) => `${entry.config}: ${problem}`));
  }
  return problems;
}
