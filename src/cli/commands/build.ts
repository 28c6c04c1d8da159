// `twinroute build CONFIG --out PACK`, whole, as one of many shards (`--shard`), or from their parts (`--join`).

import { buildPack } from '../../build/build-pack.ts';
import { diagnosePlan } from '../../build/diagnose/diagnose-config.ts';
import { ENGINES } from '../../build/engine/select.ts';
import type { BuildPlan } from '../../build/plan.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Manifest, Score } from '../../contract/manifest.ts';
import { createTokenizer } from '../../formats/tokenizer.ts';
import { scoreIndividual } from '../quality/individual.ts';
import { readData } from '../quality/read-data.ts';
import { buildShard, shardOption } from '../build/build-shard.ts';
import { megabytesOf } from '../build/megabytes-of.ts';
import { withBuild, withEngine, type BuildInputs } from '../build/with-build.ts';
import { exactly, requiredOption, textOption } from '../options.ts';
import type { Io, Verb } from '../verb.ts';
import { findingLine } from './diagnose.ts';

/** The verb `build`. */
export const build: Verb = {
  name: 'build',
  summary: 'builds a pack from a YAML config, on one machine or in shards on many',
  usage: 'CONFIG [PART…] --out PACK [--engine auto] [--data DIR] [--shard I/N | --join]',
  options: {
    out: { type: 'string', help: 'folder of the pack; made, or replaced when it is a pack; with --shard, of a part' },
    engine: { type: 'string', help: `auto, ${ENGINES.map((engine) => engine.name).join(', ')}; auto` },
    data: { type: 'string', help: 'folder with tasks.json and tasks/<task>/test.jsonl: measures each expert itself and keeps its score' },
    shard: {
      type: 'string',
      help: 'does one of N shares of the merging, 0/N to N-1/N; under a budget a first round measures, and a second is given all its parts as PART…',
    },
    join: { type: 'boolean', help: 'makes the pack from the parts of all shards: PART… are their folders, or the folder that they lie in' },
  },
  async run(positionals, values, io, json) {
    const [config, ...parts] = positionals;
    const out = requiredOption(values, 'out');
    const options = { engine: textOption(values, 'engine') ?? 'auto', data: textOption(values, 'data') };
    const shard = shardOption(textOption(values, 'shard'));
    if (config === undefined) exactly(positionals, 1, 'one CONFIG');
    if (shard !== undefined) {
      if (values['join'] === true) throw new TwinrouteError('usage', 'expected one of --shard and --join, got both', { param: 'join' });
      if (options.data !== undefined)
        throw new TwinrouteError('usage', '--data: expected with --join, where experts are measured once, got it with --shard', {
          param: 'data',
        });
      await buildShard({ config, parts, out, shard, engine: options.engine }, io, json);
      return;
    }
    if (values['join'] !== true) exactly(positionals, 1, 'one CONFIG, as neither --shard nor --join was given');
    else if (parts.length === 0) throw new TwinrouteError('usage', '--join: expected CONFIG and PART…, got no PART', { param: 'join' });
    const manifest = await buildWhole({ config, parts }, out, options, io);
    if (json) io.out(JSON.stringify({ name: manifest.name, config: manifest.config, engine: manifest.engine, files: manifest.files }));
    else io.out(`${manifest.name}, config ${manifest.config}: ${megabytesOf(manifest.files)} MB`);
  },
};

/** How to build. */
interface BuildOptions {
  readonly engine: string;
  readonly data: string | undefined;
}

/** Builds a config, or joins its parts, into `out`. */
function buildWhole(inputs: BuildInputs, out: string, { engine, data }: BuildOptions, io: Io): Promise<Manifest> {
  return withBuild(inputs, async (plan, parts) => {
    const { findings } = await diagnosePlan(plan, io.progress);
    for (const finding of findings) io.log(findingLine(finding));
    return withEngine(engine, parts, io, async (deps) => {
      const individual = data === undefined ? undefined : await scoreExperts(plan, data, io.progress);
      return buildPack(plan, out, { ...deps, ...(individual !== undefined && { individual }), ...(parts !== undefined && { parts }) });
    });
  });
}

async function scoreExperts(plan: BuildPlan, folder: string, progress: Progress): Promise<ReadonlyMap<string, Score>> {
  const { base, model, experts } = plan;
  const data = await readData(
    folder,
    experts.map((expert) => expert.name),
    'test',
  );
  const tokenizer = createTokenizer(plan.tokenizer.json, plan.tokenizer.config, plan.maxTokens);
  const scores = new Map<string, Score>();
  for (const { name, source } of experts) {
    const task = data.get(name);
    if (task === undefined) continue;
    progress({ stage: 'individual', done: scores.size, total: data.size, note: name });
    scores.set(name, await scoreIndividual({ base, model, source, tokenizer }, task));
  }
  progress({ stage: 'individual', done: data.size, total: data.size });
  return scores;
}
