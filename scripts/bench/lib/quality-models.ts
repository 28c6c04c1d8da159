// Models that the quality bench measures, in materialised form: one compiled graph whose inputs are the weights that any expert changes, so that
// a merge costs its merge and one pass a row, whatever the method. Packs that are no sums of weights are built and served instead.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { adapt } from '../../../src/build/adapt/adapt.ts';
import { buildPack } from '../../../src/build/build-pack.ts';
import type { Engine } from '../../../src/build/engine/engine.ts';
import { buildInMemory, retune } from '../../../src/build/memory-pack.ts';
import { mergeParameter } from '../../../src/build/merge-parameter.ts';
import type { BuildPlan, PlannedExpert } from '../../../src/build/plan.ts';
import { parseConfig } from '../../../src/build/read-config.ts';
import { readTheta } from '../../../src/build/theta.ts';
import { withPack } from '../../../src/cli/open-pack-folder.ts';
import { predictAll } from '../../../src/cli/quality/evaluate-pack.ts';
import { componentBytes } from '../../../src/core/compress/quantise.ts';
import { mixVector } from '../../../src/core/mix.ts';
import { argmax } from '../../../src/core/routing/score.ts';
import { expectFloat, floatTensor, sizeOf, type FloatTensor } from '../../../src/core/tensor.ts';
import type { Manifest } from '../../../src/contract/manifest.ts';
import { createTokenizer } from '../../../src/formats/tokenizer.ts';
import { checkpointFile } from '../../../src/host/checkpoint-file.ts';
import { createNodeSession } from '../../../src/host/ort-session.ts';
import { encoderFeeds, type TokenRow } from '../../../src/model/encoder-feeds.ts';
import { inBatches } from '../../../src/model/in-batches.ts';
import { emitOpenGraph, openWeights } from '../../../src/model/open-graph.ts';
import { openPackWeights } from '../../../src/model/pack-weights.ts';
import type { Session } from '../../../src/model/session.ts';
import type { ReadParameter } from '../../../src/model/twin-parameters.ts';
import { loadPredictor } from '../../../src/origin/load-pack.ts';
import type { LabOptions } from './quality-lab.ts';
import { cut, decompose, type Differences, type RankChoice } from './quality-ranks.ts';
import type { QualityRows } from './quality-rows.ts';

/** One a process: two processes side by side answer more rows than one with two threads. */
const THREADS = 1;
/** Methods whose packs are sums of weights. */
const FOLDABLE = ['twin', 'emr'];

/** What is measured. */
export type Subject =
  /** Each expert itself. */
  | { readonly kind: 'individual' }
  /** The shared model of a build config, with each task's own head. */
  | { readonly kind: 'shared'; readonly config: ConfigPatch }
  /** The pack of a build config, with each task's own mix and head. */
  | { readonly kind: 'pack'; readonly config: ConfigPatch }
  /** A Twin pack over Task Arithmetic, cut from differences that were decomposed once. */
  | {
      readonly kind: 'cut';
      readonly about: 'shared' | 'base';
      readonly lambda: number;
      readonly quantize: 'int4' | 'int8' | 'fp16';
      readonly choice: RankChoice;
    }
  /** The pack of a build config as it answers an empty mix, with each task's own head. */
  | { readonly kind: 'empty mix'; readonly config: ConfigPatch };

/** A build config without its models. */
export type ConfigPatch = Readonly<Record<string, unknown>>;

/** Everything that computing takes. */
export interface Bench extends Pick<LabOptions, 'folder' | 'texts' | 'progress' | 'config'> {
  readonly plan: BuildPlan;
  readonly engine: Engine;
  /** Parameters that an expert changes: the inputs of the session. */
  readonly open: ReadonlySet<string>;
  /** All heads side by side. */
  readonly session: Session;
  readonly encode: (rows: QualityRows, task: string) => readonly TokenRow[];
  /** Decomposed once. */
  readonly differences: (about: 'shared' | 'base', lambda: number) => Promise<Differences>;
}

/** Compiles the graph over a plan's open inputs. */
export async function openBench(plan: BuildPlan, engine: Engine, { folder, texts, progress, config }: LabOptions): Promise<Bench> {
  const { architecture, config: sizes, parameters } = plan.model;
  const open = new Set(
    parameters.flatMap(({ name }) => (plan.experts.some(({ source }) => source.parameter(name).kind !== 'same') ? [name] : [])),
  );
  const base = new Map<string, FloatTensor>();
  for (const { name } of parameters) base.set(name, await plan.base.readFloat(name));
  const heads = plan.experts.map(({ source }) => source.head);
  const graph = emitOpenGraph(architecture, sizes, readerOf(base), open, heads);
  const tokenizer = createTokenizer(plan.tokenizer.json, plan.tokenizer.config, plan.maxTokens);
  const encoded = new Map<string, readonly TokenRow[]>();
  const decomposed = new Map<string, Promise<Differences>>();
  return {
    plan,
    engine,
    folder,
    texts,
    progress,
    config,
    open,
    session: await createNodeSession(graph, { threads: THREADS }),
    differences(about, lambda) {
      const key = `${about} ${lambda}`;
      const known = decomposed.get(key) ?? decompose(plan, engine, open, about, lambda);
      decomposed.set(key, known);
      return known;
    },
    encode(rows, task) {
      const key = `${rows.key} ${task}`;
      const known = encoded.get(key) ?? rows.tasks.get(task)?.rows.map(({ text, text_pair: pair }) => tokenizer.encode(text, pair)) ?? [];
      encoded.set(key, known);
      return known;
    },
  };
}

function readerOf(tensors: ReadonlyMap<string, FloatTensor>): ReadParameter {
  return (name) => expectFloat(tensors.get(name), tensors.get(name)?.shape ?? [], name);
}

/** A model: the values of the open parameters. */
type Model = (parameter: string) => Promise<FloatTensor>;

/** A subject that can answer. */
export interface Candidate {
  readonly predict: (task: string, rows: QualityRows) => Promise<readonly number[]>;
  readonly bytes: number;
  readonly extraBytes: number;
  readonly factorBytes: number;
}

/** Makes a subject's models and hands them over. @param key names what is kept of learning and of built packs */
export async function withCandidate<T>(
  bench: Bench,
  subject: Subject,
  seed: number,
  key: string,
  use: (candidate: Candidate) => Promise<T>,
): Promise<T> {
  const { plan } = bench;
  const whole = plan.model.parameters.reduce((sum, { shape }) => sum + 2 * sizeOf(shape), 0);
  const heads = plan.experts.reduce((sum, { source: { head } }) => sum + 4 * (head.weight.data.length + head.bias.data.length), 0);
  if (subject.kind === 'individual') {
    const one = (task: string): Model => thetaOf(bench, expertOf(plan, task));
    return use({
      predict: predictor(bench, one),
      bytes: plan.experts.length * whole + heads,
      extraBytes: (plan.experts.length - 1) * whole + heads,
      factorBytes: 0,
    });
  }
  if (subject.kind === 'cut') {
    const { factorBytes, parameter } = cut(
      await bench.differences(subject.about, subject.lambda),
      subject.choice,
      subject.quantize,
      bench.engine,
    );
    const one = (task: string): Model => {
      const t = plan.experts.findIndex(({ name }) => name === task);
      return (name) => parameter(name, t);
    };
    const extraBytes = factorBytes + heads;
    return use({ predict: predictor(bench, one), bytes: whole + extraBytes, extraBytes, factorBytes });
  }
  const trial = planOf(bench, subject.config, seed, key);
  if (subject.kind === 'shared') {
    const weights = await weightsOf(bench, await sharedOf(bench, trial, key));
    return use({ predict: (task, rows) => run(bench, weights, task, rows), bytes: whole + heads, extraBytes: heads, factorBytes: 0 });
  }
  if (!FOLDABLE.includes(trial.config.merge_method)) return withServed(bench, trial, key, use);
  const { pack, sharedBytes, extraBytes } = await buildInMemory(trial, bench.engine);
  const { folded } = await openPackWeights(pack);
  const one =
    (task: string): Model =>
    (name) =>
      folded(name, subject.kind === 'pack' ? [{ expert: task, weight: 1 }] : []);
  return use({ predict: predictor(bench, one), bytes: sharedBytes + extraBytes, extraBytes, factorBytes: factorBytesOf(pack.manifest) });
}

/** The plan of a config over the open inputs, with the texts to learn from. */
function planOf({ plan, config, texts }: Bench, patch: ConfigPatch, seed: number, id: string): BuildPlan {
  const { parameters, ...rest } = patch;
  const { base_model, models, dtype } = config;
  const own = parseConfig(
    { name: 'bench', merge_method: 'twin', base_model, models, dtype, ...rest, parameters: { ...asRecord(parameters), seed } },
    'quality.bench',
  );
  const experts = plan.experts.map((expert): PlannedExpert => ({ ...expert, examples: texts('adapt', expert.name, seed) }));
  return { ...retune(plan, own), id, experts };
}

function asRecord(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

/** The shared model of a plan. */
async function sharedOf({ engine, folder, progress }: Bench, plan: BuildPlan, key: string): Promise<Model> {
  const { base, experts, parameters, expertParameters } = plan;
  const { seed } = plan.config.parameters;
  // The state stays: the coefficients that were learnt serve the test rows as well.
  const checkpoint = checkpointFile(join(folder, `learnt-${key}.json`));
  const { methodOf } = await adapt({ ...plan, seed }, { engine, progress, checkpoint });
  return async (name) => {
    const origin = await base.readFloat(name);
    const { shared } = await mergeParameter(
      name,
      origin,
      experts.map(({ source }) => source.parameter(name)),
      {
        method: methodOf(name),
        parameters,
        expertParameters,
        about: 'shared',
        rankOf: () => ({ rank: 1 }),
        format: 'fp32',
        seed,
        matmul: engine.matmul,
      },
    );
    return floatTensor(origin.shape, shared);
  };
}

function thetaOf({ plan, engine }: Bench, { source }: PlannedExpert): Model {
  return async (name) => {
    const origin = await plan.base.readFloat(name);
    return floatTensor(origin.shape, await readTheta(origin, source.parameter(name), engine.matmul));
  };
}

function expertOf({ experts }: BuildPlan, name: string): PlannedExpert {
  const expert = experts.find((candidate) => candidate.name === name);
  if (expert === undefined) throw new Error(`quality.bench: expected an expert for task ${name}`);
  return expert;
}

/** A model as inputs of the session. */
async function weightsOf({ plan, open }: Bench, model: Model): Promise<Record<string, FloatTensor>> {
  const tensors = new Map<string, FloatTensor>();
  for (const { name, shape } of plan.model.parameters)
    tensors.set(name, open.has(name) ? await model(name) : { dtype: 'float32', shape, data: new Float32Array() });
  return openWeights(plan.model.architecture, plan.model.config, readerOf(tensors), open);
}

/** Answers by a model of each task's own. */
function predictor(bench: Bench, one: (task: string) => Model): Candidate['predict'] {
  return async (task, rows) => run(bench, await weightsOf(bench, one(task)), task, rows);
}

/** Rows of a task under its own head. */
async function run(
  { plan, session, encode }: Bench,
  weights: Readonly<Record<string, FloatTensor>>,
  task: string,
  rows: QualityRows,
): Promise<number[]> {
  const at = plan.experts.findIndex(({ name }) => name === task);
  const sizes = plan.experts.map(({ source }) => source.labels.length);
  const start = sizes.slice(0, at).reduce((sum, size) => sum + size, 0);
  const classes = sizes.reduce((sum, size) => sum + size, 0);
  const isRegression = plan.experts[at].source.problem === 'regression';
  return inBatches(encode(rows, task), async (batch) => {
    const { logits } = await session.run({ ...encoderFeeds(batch), ...weights });
    const { data } = expectFloat(logits, [batch.length, classes], 'logits');
    return batch.map((_, i) => {
      const own = data.subarray(i * classes + start, i * classes + start + sizes[at]);
      return isRegression ? own[0] : argmax(own);
    });
  });
}

/** A pack that is built on disk, kept there for other rows, and served. */
async function withServed<T>(
  { folder, engine, progress, encode }: Bench,
  plan: BuildPlan,
  key: string,
  use: (candidate: Candidate) => Promise<T>,
): Promise<T> {
  const out = join(folder, `pack-${key}`);
  if (!existsSync(out)) await buildPack(plan, out, { engine, progress, producer: 'quality.bench' });
  return withPack(out, async (pack) => {
    const predictor = await loadPredictor(pack, undefined, { threads: THREADS });
    const names = predictor.experts.map(({ name }) => name);
    const weights = Object.entries(pack.manifest.files).filter(([file]) => file.endsWith('.safetensors'));
    const bytes = weights.reduce((sum, [, file]) => sum + file.bytes, 0);
    try {
      return await use({
        predict: (task, rows) =>
          predictAll(
            predictor,
            encode(rows, task).map((row) => ({ ...row, mix: mixVector([{ expert: task, weight: 1 }], names), head: names.indexOf(task) })),
          ),
        bytes,
        extraBytes: bytes - (pack.manifest.files[pack.manifest.shared.file]?.bytes ?? 0),
        factorBytes: factorBytesOf(pack.manifest),
      });
    } finally {
      await predictor.release();
    }
  });
}

/** Bytes of all low-rank factors of a pack. */
function factorBytesOf({ experts, shared: { fade } }: Pick<Manifest, 'experts' | 'shared'>): number {
  let sum = 0;
  for (const { format, tensors } of [...experts, ...(fade === undefined ? [] : [fade])]) {
    for (const { kind, shape, rank } of tensors)
      if (kind === 'factored' && format !== 'bits') sum += rank * componentBytes(format, shape[0], shape[1]);
  }
  return sum;
}
