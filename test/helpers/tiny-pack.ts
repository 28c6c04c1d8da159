// A tiny pack with everything in it: random experts, examples that a router can tell apart, labelled data for `eval`.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '../../src/core/random.ts';
import { runCli } from './run-cli.ts';
import { makeTinyModels, type TinyExpert, type TinyModels } from './tiny-bert.ts';

/** Experts of the tiny pack: every kind of adapter, head and problem. */
export const TINY_EXPERTS: readonly TinyExpert[] = [
  { name: 'birds', kind: 'lora', classes: 3 },
  { name: 'ships', kind: 'full', classes: 2 },
  { name: 'stars', kind: 'lora', rank: 3, classes: 1 },
];

const WORDS: Readonly<Record<string, readonly string[]>> = {
  birds: ['wing', 'feather', 'nest', 'egg', 'beak', 'song', 'heron', 'crow', 'migrates', 'perch'],
  ships: ['mast', 'hull', 'anchor', 'harbour', 'cargo', 'sailor', 'rope', 'tide', 'captain', 'deck'],
  stars: ['orbit', 'comet', 'galaxy', 'telescope', 'nova', 'dust', 'light', 'parallax', 'cluster', 'halo'],
};

/** A text in the manner of an expert. */
export function tinyText(expert: string, seed: number): string {
  const random = createRandom(seed, expert);
  const words = WORDS[expert] ?? [];
  return Array.from({ length: 4 + random.below(6) }, () => words[random.below(words.length)]).join(' ');
}

/** What a method has by default. */
const DEFAULTS: Readonly<Record<'twin' | 'emr' | 'wemoe' | 'e_wemoe', object>> = {
  twin: { rank: 4, quantize: 'int8' },
  emr: {},
  wemoe: { rank: 4, gate: { steps: 3, rate: 0.01, batch: 2 } },
  e_wemoe: { gate: { steps: 3, rate: 0.01, batch: 2 } },
};

/** A tiny pack's inputs in one temporary folder. */
export interface TinyInputs {
  readonly models: TinyModels;
  /** Path of the YAML config. */
  readonly config: string;
  /** Folder for `eval --data`. */
  readonly data: string;
}

/**
 * Makes models, examples, data and a config.
 * @param parameters further lines of the config's `parameters`
 * @param method `merge_method`; `emr` has no ranks and formats, gates learn for three steps
 */
export async function makeTinyInputs(
  parameters: Readonly<Record<string, unknown>> = {},
  seed = 1,
  method: 'twin' | 'emr' | 'wemoe' | 'e_wemoe' = 'twin',
): Promise<TinyInputs> {
  const models = await makeTinyModels({ seed, experts: TINY_EXPERTS });
  const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const data = join(models.dir, 'data');
  const tasks: Record<string, object> = {};
  for (const { name, classes = 2 } of TINY_EXPERTS) {
    const pair = name === 'stars';
    const row = (i: number): object => ({
      text: tinyText(name, i),
      ...(pair && { text_pair: tinyText(name, i + 1000) }),
      label: classes === 1 ? (i % 11) / 2 : i % classes,
    });
    await writeFile(join(models.dir, `${name}.jsonl`), lines(Array.from({ length: 60 }, (_, i) => row(i))));
    await mkdir(join(data, 'tasks', name), { recursive: true });
    await writeFile(join(data, 'tasks', name, 'test.jsonl'), lines(Array.from({ length: 20 }, (_, i) => row(i + 500))));
    tasks[name] =
      classes === 1
        ? { labels: null, metric: 'pearson_spearman_mean', range: [0, 5] }
        : { labels: Array.from({ length: classes }, (_, i) => `${name}-${i}`), metric: 'accuracy' };
  }
  await writeFile(join(data, 'tasks.json'), JSON.stringify(tasks));
  const config = join(models.dir, 'tiny.yaml');
  // JSON is YAML.
  await writeFile(
    config,
    JSON.stringify({
      merge_method: method,
      base_model: models.base,
      models: TINY_EXPERTS.map(({ name }) => ({ name, model: models.experts[name], examples: join(models.dir, `${name}.jsonl`) })),
      parameters: { ...DEFAULTS[method], ...parameters },
      dtype: 'float32',
    }),
  );
  return { models, config, data };
}

/** Builds the inputs' pack by the command line; its path. */
export async function buildTinyPack({ models, config }: TinyInputs, name = 'pack', engine = 'wasm'): Promise<string> {
  const pack = join(models.dir, name);
  const { code, err } = await runCli('build', config, '--out', pack, '--engine', engine);
  if (code !== 0) throw new Error(`build failed: ${err}`);
  return pack;
}

/** The flags that tell `add` a new expert's texts, and the inputs of the pack that it joins. */
export function addFlags({ models, config }: TinyInputs, examples = join(models.dir, 'birds.jsonl')): string[] {
  return ['--examples', examples, '--base', models.base, '--config', config, '--engine', 'wasm'];
}
