// `twinroute build CONFIG --out PACK`.

import { buildPack } from '../../build/build-pack.ts';
import { diagnosePlan } from '../../build/diagnose/diagnose-config.ts';
import { ENGINES, selectEngine } from '../../build/engine/select.ts';
import { planBuild, type BuildPlan } from '../../build/plan.ts';
import type { Progress } from '../../core/progress.ts';
import type { Manifest, Score } from '../../contract/manifest.ts';
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
  summary: 'builds a pack from a YAML config',
  usage: 'CONFIG --out PACK [--engine auto] [--data DIR]',
  options: {
    out: { type: 'string', help: 'folder of the pack; made, or replaced when it is a pack' },
    engine: { type: 'string', help: `auto, ${ENGINES.map((engine) => engine.name).join(', ')}; auto` },
    data: { type: 'string', help: 'folder with tasks.json and tasks/<task>/test.jsonl: measures each expert itself and keeps its score' },
  },
  async run(positionals, values, io, json) {
    const [config] = exactly(positionals, 1, 'one CONFIG');
    const manifest = await buildConfig(
      config,
      requiredOption(values, 'out'),
      { engine: textOption(values, 'engine') ?? 'auto', data: textOption(values, 'data') },
      io,
    );
    if (json) io.out(JSON.stringify({ name: manifest.name, config: manifest.config, engine: manifest.engine, files: manifest.files }));
    else io.out(`${manifest.name}, config ${manifest.config}: ${(totalBytes(manifest) / 1e6).toFixed(2)} MB`);
  },
};

/** How to build. */
export interface BuildOptions {
  readonly engine: string;
  readonly data: string | undefined;
}

/** Builds a config file into `out`, telling `io` about it. */
export async function buildConfig(config: string, out: string, options: BuildOptions, io: Io): Promise<Manifest> {
  const plan = await planBuild(config);
  try {
    const { findings } = await diagnosePlan(plan, io.progress);
    for (const finding of findings) io.log(findingLine(finding));
    const engine = await selectEngine(options.engine, { log: io.log });
    try {
      const individual = options.data === undefined ? undefined : await scoreExperts(plan, options.data, io.progress);
      return await buildPack(plan, out, {
        engine,
        progress: io.progress,
        producer: `twinroute ${packageVersion()}`,
        ...(individual !== undefined && { individual }),
      });
    } finally {
      await engine.dispose();
    }
  } finally {
    await plan.close();
  }
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

function totalBytes({ files }: Manifest): number {
  return Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
}
