// Learning on tiny models: gradients against finite differences, entropy that falls, runs that are cut and go on, RegMean's sums.

import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type * as tfjs from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adapt } from '../../../src/build/adapt/adapt.ts';
import type { AdaptInput, Checkpoint, MethodOf } from '../../../src/build/adapt/adapt-input.ts';
import type { EntropyTask } from '../../../src/build/adapt/entropy.ts';
import { createMergedEncoder, type MergedEncoder } from '../../../src/build/adapt/merged-encoder.ts';
import { tokenBatch, tokenRows } from '../../../src/build/adapt/token-batches.ts';
import { buildPack } from '../../../src/build/build-pack.ts';
import type { Engine } from '../../../src/build/engine/engine.ts';
import { selectEngine } from '../../../src/build/engine/select.ts';
import { planBuild, type BuildPlan } from '../../../src/build/plan.ts';
import { readTheta } from '../../../src/build/theta.ts';
import { matmulPlain } from '../../../src/core/linalg/matmul.ts';
import type { CoefficientMethod } from '../../../src/core/merge/adaptive.ts';
import { mergeTensor, resolveParameters, type StaticMethod } from '../../../src/core/merge/method.ts';
import { sharedMethod } from '../../../src/core/merge/registry.ts';
import { regMean, regularise, type GramSums } from '../../../src/core/merge/regmean.ts';
import { encodeBatch } from '../../../src/model/tfjs-executor.ts';
import { noProgress, type ProgressEvent } from '../../../src/core/progress.ts';
import { createRandom } from '../../../src/core/random.ts';
import { maxDifference } from '../../helpers/max-difference.ts';
import { runCli } from '../../helpers/run-cli.ts';
import { makeTinyInputs, type TinyInputs } from '../../helpers/tiny-pack.ts';

let inputs: TinyInputs;
let plan: BuildPlan;
let engine: Engine;

beforeAll(async () => {
  // Two classifiers (an adapter, a full model) and a regression.
  inputs = await makeTinyInputs({ rank: 2, router: 'edge' });
  plan = await planBuild(inputs.config);
  engine = await selectEngine('wasm', { log: () => undefined });
});

afterAll(async () => {
  await plan.close();
  await engine.dispose();
  await inputs.models.remove();
});

const COEFFICIENT_METHODS = ['ada_merging', 'ada_merging_layer', 'ada_merging_pp'] as const;

function coefficientMethod(name: string): CoefficientMethod {
  const method = sharedMethod(name);
  if (method.kind === 'coefficients') return method;
  throw new Error(name);
}

function inputOf<M extends AdaptInput['method']>(method: M, given: Record<string, number> = {}): AdaptInput<M> {
  return {
    ...plan,
    method,
    parameters: resolveParameters(method.parameters, given, 'parameters'),
    expertParameters: plan.experts.map(() => resolveParameters(method.expertParameters, {}, 'models')),
    seed: 3,
  };
}

/** A checkpoint in memory. */
function memory(onWrite: () => void = () => undefined): Checkpoint & { text: string | undefined } {
  return {
    text: undefined,
    read() {
      return Promise.resolve(this.text);
    },
    write(text) {
      this.text = text;
      onWrite();
      return Promise.resolve();
    },
  };
}

/** What a checkpoint says of the lowest entropy so far. */
function lowestOf({ text }: { readonly text: string | undefined }): { step: number; at: number; values: number[] } {
  const { adam, best } = JSON.parse(text ?? '{}');
  const bytes = Buffer.from(best.values, 'base64');
  return { step: adam.step, at: best.step, values: Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i)) };
}

function classifierTasks(rows: number): EntropyTask[] {
  const { tf } = engine;
  const tokens = tokenRows(inputOf(coefficientMethod('ada_merging')));
  return plan.experts.flatMap(({ source }, t) =>
    source.problem === 'regression'
      ? []
      : [
          {
            rows: tokens[t].slice(0, rows),
            head: { weight: tf.tensor(source.head.weight.data, [...source.head.weight.shape]), bias: tf.tensor(source.head.bias.data) },
          },
        ],
  );
}

async function withEncoder<T>(method: CoefficientMethod, use: (encoder: MergedEncoder) => Promise<T>): Promise<T> {
  const encoder = await createMergedEncoder(inputOf(method), { engine, progress: noProgress });
  try {
    return await use(encoder);
  } finally {
    encoder.dispose();
  }
}

/** Learnt coefficients of every parameter, in order. */
function coefficientsOf(methodOf: MethodOf): number[] {
  return plan.model.parameters.flatMap(({ name }) => {
    const method: StaticMethod = methodOf(name);
    return method.kind === 'linear' ? method.coefficients({}, []) : [];
  });
}

describe.each(COEFFICIENT_METHODS)('the gradient of %s', (name) => {
  test('agrees with finite differences, over a mix of adapters and full models', async () => {
    const method = coefficientMethod(name);
    const tasks = classifierTasks(60); // more than a backward pass takes at a time
    await withEncoder(method, async (encoder) => {
      const random = createRandom(7);
      const at = Array.from({ length: encoder.groups * plan.experts.length }, () => 0.3 + 0.1 * random.normal());
      const gradient = await encoder.gradient(at, tasks);
      const norm = Math.hypot(...gradient);
      const slope = async (direction: readonly number[]): Promise<number> => {
        const step = 1e-2;
        const move = (sign: number): Promise<number> =>
          encoder.entropy(
            at.map((value, i) => value + sign * step * direction[i]),
            tasks,
          );
        return ((await move(1)) - (await move(-1))) / (2 * step);
      };
      // Along the gradient itself the slope is its norm: one difference checks every entry at once.
      expect(await slope(gradient.map((value) => value / norm))).toBeCloseTo(norm, 2);
      expect(norm).toBeGreaterThan(0.05);
      // And entries one by one, where they are large enough to be measured in f32.
      const largest = [...gradient.keys()].sort((a, b) => Math.abs(gradient[b]) - Math.abs(gradient[a])).slice(0, 3);
      for (const i of largest) expect(await slope(at.map((_, k) => (k === i ? 1 : 0)))).toBeCloseTo(gradient[i], 2);
    });
  });
});

test('adapters alone stay factored: their gradient is that of the same adapters made dense', async () => {
  const layer = coefficientMethod('ada_merging_layer');
  const dense: CoefficientMethod = { ...layer, prepare: ({ vectors }) => vectors };
  const adapters = plan.experts.filter(({ source }) => source.kind === 'lora');
  const tasks = classifierTasks(5);
  const gradients: number[][] = [];
  for (const method of [layer, dense]) {
    const encoder = await createMergedEncoder({ ...inputOf(method), experts: adapters }, { engine, progress: noProgress });
    const at = Array.from({ length: encoder.groups * adapters.length }, () => 0.4);
    gradients.push(await encoder.gradient(at, tasks));
    encoder.dispose();
  }
  expect(gradients[0].length).toBeGreaterThan(20);
  expect(maxDifference(Float32Array.from(gradients[0]), Float32Array.from(gradients[1]))).toBeLessThan(1e-5);
});

describe.each(COEFFICIENT_METHODS)('learning %s', (name) => {
  test('lowers the entropy, leaves the regression alone and nothing on the engine', async () => {
    const method = coefficientMethod(name);
    const events: ProgressEvent[] = [];
    const before = engine.tf.memory().numTensors;
    const checkpoint = memory();
    const { methodOf, learnt } = await adapt(inputOf(method, { steps: 20, rate: 0.04, batch: 4 }), {
      engine,
      progress: (event) => events.push(event),
      checkpoint,
    });
    expect(engine.tf.memory().numTensors).toBe(before);
    expect(events.find(({ note }) => note?.includes('without stars'))).toBeDefined();
    const { values } = lowestOf(checkpoint);
    for (let i = 2; i < values.length; i += 3) expect(values[i]).toBe(0.3);
    const tasks = classifierTasks(40);
    await withEncoder(method, async (encoder) => {
      const start = values.map(() => 0.3);
      expect(await encoder.entropy(values, tasks)).toBeLessThan(0.98 * (await encoder.entropy(start, tasks)));
    });
    const groups = values.length / 3;
    expect(learnt).toMatchObject({
      kind: 'coefficients',
      tensors: { length: method.per === 'expert' ? 0 : groups },
      held: ['stars'],
      rows: { train: 96, held_back: 24 },
    });
    if (learnt?.kind !== 'coefficients') throw new Error('no coefficients');
    expect(learnt.entropy.kept).toBeLessThan(learnt.entropy.start);
    for (const [t, expert] of plan.experts.entries())
      expect(
        maxDifference(
          learnt.values[expert.name],
          Array.from({ length: groups }, (_, group) => values[group * 3 + t]),
        ),
      ).toBeLessThan(1e-5); // six digits of them
    expect(methodOf('encoder.layer.0.output.dense.weight').kind).toBe(method.prepare === undefined ? 'linear' : 'tensor');
  });
});

test('a run that is killed goes on to the same bit, and equal seeds give equal coefficients', async () => {
  const input = inputOf(coefficientMethod('ada_merging_layer'), { steps: 25, rate: 0.01, batch: 2 });
  const whole = memory();
  const uninterrupted = coefficientsOf((await adapt(input, { engine, progress: noProgress, checkpoint: whole })).methodOf);
  expect(new Set(uninterrupted).size).toBeGreaterThan(20);

  const cut = memory(() => {
    throw new Error('killed');
  });
  await expect(adapt(input, { engine, progress: noProgress, checkpoint: cut })).rejects.toThrow('killed');
  const rest = memory();
  rest.text = cut.text;
  const steps: number[] = [];
  const { methodOf: resumed } = await adapt(input, {
    engine,
    progress: ({ stage, done, note }) => stage === 'adapt' && note?.startsWith('entropy') === true && steps.push(done),
    checkpoint: rest,
  });
  expect(coefficientsOf(resumed)).toEqual(uninterrupted);
  expect(rest.text).toBe(whole.text);
  expect(Math.min(...steps)).toBe(20);

  const { methodOf: finished } = await adapt(input, { engine, progress: noProgress, checkpoint: whole });
  expect(coefficientsOf(finished)).toEqual(uninterrupted);
});

test('a checkpoint of something else is not gone on from; a damaged one is an error', async () => {
  const input = inputOf(coefficientMethod('ada_merging'), { steps: 2, batch: 2 });
  const checkpoint = memory();
  await adapt(input, { engine, progress: noProgress, checkpoint });
  const other = memory();
  other.text = checkpoint.text?.replace(plan.id, '0123456789abcdef').replace('"step":2', '"step":1');
  await adapt(input, { engine, progress: noProgress, checkpoint: other });
  expect(other.text).toBe(checkpoint.text);
  other.text = '{"key":';
  await expect(adapt(input, { engine, progress: noProgress, checkpoint: other })).rejects.toMatchObject({ code: 'format' });
});

test('stops when held-back texts gain nothing, and keeps the best coefficients', async () => {
  // A rate so large that every step makes it worse.
  const checkpoint = memory();
  const input = inputOf(coefficientMethod('ada_merging'), { steps: 1000, rate: 1, batch: 1 });
  const events: ProgressEvent[] = [];
  const { methodOf } = await adapt(
    { ...input, experts: plan.experts.slice(0, 1) },
    { engine, progress: (event) => events.push(event), checkpoint },
  );
  const { step, at, values } = lowestOf(checkpoint);
  expect(step).toBeLessThan(1000);
  expect(step - at).toBe(100);
  expect(coefficientsOf(methodOf)[0]).toBe(values[0]);
  expect(events.at(-1)).toMatchObject({ done: 1000, total: 1000 });
});

test('without texts of any classifier there is nothing to learn from', async () => {
  const experts = plan.experts.map((expert) => ({ ...expert, examples: [] }));
  const deps = { engine, progress: noProgress, checkpoint: memory() };
  await expect(adapt({ ...inputOf(coefficientMethod('ada_merging')), experts }, deps)).rejects.toMatchObject({ code: 'config' });
  await expect(
    adapt({ ...inputOf(coefficientMethod('ada_merging')), method: sharedMethod('regmean'), experts }, deps),
  ).rejects.toMatchObject({ code: 'config', param: 'models[0].examples' });
});

describe('RegMean', () => {
  const merged = async (input: Omit<AdaptInput, 'method'>, name: string): Promise<Float32Array> => {
    const method = sharedMethod('regmean');
    const parameters = resolveParameters(method.parameters, {}, 'parameters');
    const { methodOf } = await adapt({ ...input, method, parameters }, { engine, progress: noProgress, checkpoint: memory() });
    const base = (await plan.base.readFloat(name)).data;
    const vectors = await Promise.all(
      input.experts.map(async ({ source }) =>
        (await readTheta(await plan.base.readFloat(name), source.parameter(name), matmulPlain)).map((value, i) => value - base[i]),
      ),
    );
    return mergeTensor(methodOf(name), {
      name,
      shape: [base.length],
      base,
      vectors,
      parameters,
      experts: input.experts.map(() => ({})),
      random: createRandom(0),
      matmul: matmulPlain,
    });
  };
  const theta = async (t: number, name: string): Promise<Float32Array> =>
    readTheta(await plan.base.readFloat(name), plan.experts[t].source.parameter(name), matmulPlain);
  test('oracle 11: identical experts are returned in every kind of parameter, from unlike texts and few', async () => {
    const [birds, ships, stars] = plan.experts;
    const twins = [ships, { ...ships, examples: birds.examples }, { ...ships, examples: stars.examples.slice(0, 1) }];
    for (const name of [
      'encoder.layer.1.output.dense.weight',
      'encoder.layer.0.attention.self.key.weight',
      'pooler.dense.weight',
      'pooler.dense.bias',
      'embeddings.word_embeddings.weight',
      'embeddings.LayerNorm.weight',
    ]) {
      expect(maxDifference(await merged({ ...plan, experts: twins, seed: 0 }, name), await theta(1, name))).toBeLessThan(2e-5);
    }
  });

  test.each(['encoder.layer.1.output.dense', 'pooler.dense'])(
    '%s follows the formula over what the experts read, text by text',
    async (layer) => {
      const { tf } = engine;
      const name = `${layer}.weight`;
      const experts = plan.experts.map((expert, t) => ({ ...expert, examples: expert.examples.slice(0, 5 + t) }));
      const before = tf.memory().numTensors;
      const weight = await merged({ ...plan, experts, seed: 0 }, name);
      expect(tf.memory().numTensors).toBe(before);
      const texts = tokenRows({ ...plan, experts });
      const base = await plan.base.readFloat(name);
      const [m, n] = base.shape;
      const sums: GramSums = {
        grams: { rows: n, cols: n, data: new Float32Array(n * n) },
        moved: { rows: m, cols: n, data: new Float32Array(m * n) },
      };
      for (const [t, rows] of texts.entries()) {
        const own = new Map<string, Float32Array>();
        for (const parameter of plan.model.parameters) own.set(parameter.name, await theta(t, parameter.name));
        const inputs: number[] = [];
        for (const row of rows) {
          tf.tidy(() => {
            const read = (parameter: string): tfjs.Tensor =>
              tf.tensor(own.get(parameter) ?? [], [...(plan.model.parameters.find((spec) => spec.name === parameter)?.shape ?? [])]);
            encodeBatch(tf, plan.model.architecture, plan.model.config, read, tokenBatch(tf, [row]), {
              tap: (tapped, x) => tapped === layer && inputs.push(...x.dataSync()),
            });
          });
        }
        const tokens = inputs.length / n;
        const x = { rows: tokens, cols: n, data: Float32Array.from(inputs) };
        const gram = await matmulPlain({ ...x, data: x.data.map((value) => value / tokens) }, x, true);
        regularise(gram, 0.9);
        const delta = (await theta(t, name)).map((value, i) => value - base.data[i]);
        const moved = await matmulPlain({ rows: m, cols: n, data: delta }, gram);
        for (const [i, value] of gram.data.entries()) sums.grams.data[i] += value;
        for (const [i, value] of moved.data.entries()) sums.moved.data[i] += value;
      }
      const expected = regMean(base.data, sums);
      expect(maxDifference(weight, expected)).toBeLessThan(1e-4);
      expect(maxDifference(weight, base.data)).toBeGreaterThan(1e-2);
    },
  );
});

test.each(['ada_merging_layer', 'regmean'])(
  '%s makes the shared model of a pack, twice the same, and leaves no checkpoint',
  async (method) => {
    const own = await makeTinyInputs({ rank: 2, shared: method === 'regmean' ? method : { method, steps: 3, batch: 2 } });
    const ownPlan = await planBuild(own.config);
    try {
      const folder = join(own.models.dir, 'out');
      await mkdir(folder);
      const deps = { engine, progress: noProgress, producer: 'test' };
      const first = await buildPack(ownPlan, join(folder, 'a'), deps);
      const second = await buildPack(ownPlan, join(folder, 'b'), deps);
      expect(first.shared.method).toBe(method);
      expect(second.files).toEqual(first.files);
      expect(await readFile(join(folder, 'a', 'report.md'), 'utf8')).toMatch(
        method === 'regmean'
          ? /the shared model learnt\n[^]*\| birds \| 60 \|/i
          : /One coefficient for each expert and each of \d+ tensors/,
      );
      const { out } = await runCli('inspect', join(folder, 'a'));
      expect(out).toMatch(/the shared model learnt: (Gram matrices of what \d+ linear layers|One coefficient for each)/);
      expect(await readdir(folder)).toEqual(['a', 'b']);
      await rm(folder, { recursive: true });
    } finally {
      await ownPlan.close();
      await own.models.remove();
    }
  },
);
