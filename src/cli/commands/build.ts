// `twinroute build CONFIG --out PACK`, whole, as one of many shards (`--shard`), or from their parts (`--join`).

import { buildPack, type BuildDeps } from '../../build/build-pack.ts';
import { diagnosePlan } from '../../build/diagnose/diagnose-config.ts';
import type { Engine } from '../../build/engine/engine.ts';
import { ENGINES, selectEngine } from '../../build/engine/select.ts';
import { buildPart, type Shard } from '../../build/parts/build-part.ts';
import { openParts, type Parts } from '../../build/parts/parts.ts';
import { planBuild, type BuildPlan } from '../../build/plan.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Manifest, Score } from '../../contract/manifest.ts';
import { MAX_SHARDS } from '../../contract/part.ts';
import { createTokenizer } from '../../formats/tokenizer.ts';
import { scoreIndividual } from '../quality/individual.ts';
import { readData } from '../quality/read-data.ts';
import { exactly, requiredOption, textOption } from '../options.ts';
import { packageVersion } from '../package-version.ts';
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
    const manifest = await buildConfig(config, out, options, io, parts);
    if (json) io.out(JSON.stringify({ name: manifest.name, config: manifest.config, engine: manifest.engine, files: manifest.files }));
    else io.out(`${manifest.name}, config ${manifest.config}: ${megabytes(manifest)} MB`);
  },
};

/** How to build. */
interface BuildOptions {
  readonly engine: string;
  readonly data: string | undefined;
}

/**
 * Builds a config file into `out`, telling `io` about it.
 * @param joined folders of the parts of all shards, if there were any
 */
async function buildConfig(config: string, out: string, options: BuildOptions, io: Io, joined: readonly string[] = []): Promise<Manifest> {
  return withParts(joined, (parts) =>
    withPlan(config, async (plan) => {
      const { findings } = await diagnosePlan(plan, io.progress);
      for (const finding of findings) io.log(findingLine(finding));
      return withEngine(options.engine, parts, io, async (engine) => {
        const individual = options.data === undefined ? undefined : await scoreExperts(plan, options.data, io.progress);
        return buildPack(plan, out, {
          ...depsOf(engine, io),
          ...(individual !== undefined && { individual }),
          ...(parts !== undefined && { parts }),
        });
      });
    }),
  );
}

/** One share of a build. */
interface ShardOptions {
  readonly config: string;
  /** Of a budget's first round. */
  readonly parts: readonly string[];
  readonly out: string;
  readonly shard: Shard;
  readonly engine: string;
}

async function buildShard({ config, parts: spectra, out, shard, engine: name }: ShardOptions, io: Io, json: boolean): Promise<void> {
  const { part, wasThere } = await withParts(spectra, (parts) =>
    withPlan(config, (plan) => withEngine(name, parts, io, (engine) => buildPart(plan, shard, out, depsOf(engine, io), parts))),
  );
  const { kind, engine, files } = part;
  if (json) io.out(JSON.stringify({ name: part.name, config: part.config, shard, kind, engine, files, was_there: wasThere }));
  else
    io.out(
      `${part.name}, config ${part.config}: shard ${shard.index}/${shard.count}, ${kind}: ${megabytes(part)} MB${wasThere ? ', was there' : ''}`,
    );
}

const SHARD = /^(\d{1,5})\/(\d{1,5})$/;

/** @throws {TwinrouteError} `usage` unless it is I/N with I below N */
function shardOption(text: string | undefined): Shard | undefined {
  if (text === undefined) return undefined;
  const [, index, count] = (SHARD.exec(text) ?? []).map(Number);
  if (index < count && count <= MAX_SHARDS) return { index, count };
  throw new TwinrouteError('usage', `--shard: expected I/N, I from 0 to N-1 and N at most ${MAX_SHARDS}, got "${text}"`, {
    param: 'shard',
  });
}

async function withParts<T>(paths: readonly string[], use: (parts: Parts | undefined) => Promise<T>): Promise<T> {
  if (paths.length === 0) return use(undefined);
  const parts = await openParts(paths);
  try {
    return await use(parts);
  } finally {
    await parts.close();
  }
}

async function withPlan<T>(config: string, use: (plan: BuildPlan) => Promise<T>): Promise<T> {
  const plan = await planBuild(config);
  try {
    return await use(plan);
  } finally {
    await plan.close();
  }
}

/** The engine of that name; for `auto` that of the parts, as only it makes the same bytes. */
async function withEngine<T>(name: string, parts: Parts | undefined, io: Io, use: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await selectEngine(name === 'auto' ? (parts?.engine ?? name) : name, { log: io.log });
  try {
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

function depsOf(engine: Engine, { progress }: Io): Pick<BuildDeps, 'engine' | 'progress' | 'producer'> {
  return { engine, progress, producer: `twinroute ${packageVersion()}` };
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

function megabytes({ files }: Pick<Manifest, 'files'>): string {
  const total = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  return (total / 1e6).toFixed(2);
}
