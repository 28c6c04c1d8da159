// Gates: what they say against their formula spelled out, and what is served against the dense merge of what they said.

import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRandom, type Random } from '../../src/core/random.ts';
import { floatTensor, sizeOf, type FloatTensor, type Tensor } from '../../src/core/tensor.ts';
import { createGatedEncoder } from '../../src/build/adapt/gated-encoder.ts';
import type { LoadedModule } from '../../src/formats/expert-file.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { gateParameters, type Gates } from '../../src/model/gate.ts';
import { emitPlainGraph, emitTwinGraph } from '../../src/model/onnx-emitter.ts';
import type { OpenArchitecture } from '../../src/model/registry.ts';
import type { ExclusiveModule } from '../../src/model/twin-parameters.ts';
import { encodeBatch } from '../../src/model/tfjs-executor.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { feedsOf, lookUp, mergeDense, randomRow, randomTwin, rowOf, type RandomRow, type RandomTwin } from './random-twin.ts';
import { batchOf } from './tfjs-batch.ts';

const SEEDS = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const TOLERANCE = 1e-5;
const GATES: readonly Gates[] = [
  { layers: 1, per: 'part' },
  { layers: 2, per: 'part' },
  { layers: 1, per: 'model' },
  { layers: 2, per: 'model' },
];

/** A twin whose experts change gated parts alone, and gates whose weights are of order 1. */
interface GatedTwin extends RandomTwin {
  readonly gates: Gates;
  readonly model: OpenArchitecture;
  readonly gateTensors: ReadonlyMap<string, FloatTensor>;
  readonly modules: readonly ReadonlyMap<string, ExclusiveModule>[];
}

function randomGated(random: Random, gates: Gates): GatedTwin {
  const twin = randomTwin(random);
  const parts = bert.parts(twin.config).flatMap(({ parameters }) => parameters);
  const model: OpenArchitecture = {
    architecture: bert,
    config: twin.config,
    parameters: bert.parameters(twin.config),
    width: twin.config.hidden_size,
  };
  const specs = gateParameters(model, gates, twin.experts.length);
  const gateTensors = new Map(
    specs.map(({ name, shape }) => [
      name,
      floatTensor(
        shape,
        Float32Array.from({ length: sizeOf(shape) }, () => 0.4 * random.normal()),
      ),
    ]),
  );
  const modules = twin.experts.map(
    ({ module }) =>
      new Map(
        parts.flatMap((name): [string, ExclusiveModule][] => {
          const own = module(name);
          return own === undefined ? [] : [[name, own]];
        }),
      ),
  );
  return {
    ...twin,
    experts: modules.map((own, e) => ({ name: `e${e}`, module: (name) => own.get(name) })),
    gates,
    model,
    gateTensors,
    modules,
  };
}

function readOf({ shared, gateTensors }: GatedTwin): (name: string) => FloatTensor {
  return lookUp(new Map([...shared, ...gateTensors]));
}

async function run(twin: GatedTwin, rows: readonly RandomRow[], tokens?: number): Promise<Record<string, Tensor>> {
  const session = await createNodeSession(emitTwinGraph(bert, twin.config, readOf(twin), twin.experts, twin.heads, { gates: twin.gates }), {
    threads: 1,
  });
  try {
    return await session.run(feedsOf(rows, undefined, tokens));
  } finally {
    await session.release();
  }
}

/** The mixes of a row, `[P][E]`. */
function mixesOf({ experts }: GatedTwin, gates: Tensor, row: number): number[][] {
  const all = [...rowOf(gates, row)];
  return Array.from({ length: all.length / experts.length }, (_, part) => all.slice(part * experts.length, (part + 1) * experts.length));
}

/** The dense weights of one row: each part merged by its own mix. */
function denseOf(twin: GatedTwin, mixes: readonly (readonly number[])[]): ReadonlyMap<string, FloatTensor> {
  const merged = new Map(twin.shared);
  for (const [part, { parameters }] of bert.parts(twin.config).entries()) {
    const own = mergeDense({ ...twin, shared: new Map(parameters.map((name) => [name, lookUp(twin.shared)(name)])) }, mixes[part]);
    for (const [name, tensor] of own) merged.set(name, tensor);
  }
  return merged;
}

/** A gate as the paper writes it: an answer to each token, then the mean. */
function plainGate({ gates, gateTensors, experts }: GatedTwin, part: string, states: readonly (readonly number[])[]): number[] {
  const read = lookUp(gateTensors);
  const name = gates.per === 'model' ? 'gate' : `${part}.gate`;
  const linear = (layer: string, x: readonly number[]): number[] => {
    const { shape, data } = read(`${name}.${layer}.weight`);
    const bias = read(`${name}.${layer}.bias`).data;
    return Array.from({ length: shape[0] }, (_, i) => x.reduce((sum, value, j) => sum + value * data[i * shape[1] + j], bias[i]));
  };
  const answers = states.map((state) =>
    linear('experts', gates.layers === 1 ? state : linear('hidden', state).map((value) => Math.max(0, value))),
  );
  return experts.map((_, e) => answers.reduce((sum, answer) => sum + answer[e], 0) / answers.length);
}

/** What enters each part of a plain model, token by token. */
function entering(twin: GatedTwin, weights: ReadonlyMap<string, FloatTensor>, row: RandomRow): ReadonlyMap<string, number[][]> {
  const seen = new Map<string, number[][]>();
  const read = lookUp(weights);
  const parameter = (name: string): tf.Tensor => tf.tensor(read(name).data, [...read(name).shape]);
  tf.tidy(() => {
    const tap = (name: string, x: tf.Tensor): void => {
      if (!name.endsWith('.intermediate.dense')) return;
      const data = [...x.dataSync()];
      const width = twin.config.hidden_size;
      seen.set(
        name.slice(0, -'.intermediate.dense'.length),
        row.ids.map((_, t) => data.slice(t * width, (t + 1) * width)),
      );
    };
    encodeBatch(tf, bert, twin.config, parameter, batchOf(tf, [row]), { tap });
  });
  return seen;
}

beforeAll(async () => {
  if (!(await tf.setBackend('cpu'))) throw new Error('no cpu backend');
});

describe.each(GATES)('gates of $layers layers, one a $per', (gates) => {
  test('weigh each row by the formula, and are served like the dense merge of what they say', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(SEEDS, async (seed) => {
        const random = createRandom(seed);
        const twin = randomGated(random, gates);
        const rows = Array.from({ length: 3 }, () => randomRow(random, twin.config));
        const batch = await run(twin, rows);
        expect(batch['gates'].shape).toEqual([rows.length, twin.config.num_hidden_layers, twin.experts.length]);
        for (const [i, row] of rows.entries()) {
          const mixes = mixesOf(twin, batch['gates'], i);
          const dense = denseOf(twin, mixes);
          const states = entering(twin, dense, row);
          for (const [part, { name }] of bert.parts(twin.config).entries())
            expect(maxDifference(mixes[part], plainGate(twin, name, states.get(name) ?? []))).toBeLessThan(TOLERANCE);
          const session = await createNodeSession(emitPlainGraph(bert, twin.config, lookUp(dense), twin.heads), { threads: 1 });
          const single = await session.run(feedsOf([row]));
          await session.release();
          expect(maxDifference(rowOf(batch['logits'], i), rowOf(single['logits'], 0))).toBeLessThan(TOLERANCE);
          expect(maxDifference(rowOf(batch['features'], i), rowOf(single['features'], 0))).toBeLessThan(TOLERANCE);
        }
      }),
      { seed: 5, numRuns: 8 },
    );
  });

  test('answer a row alike whatever its neighbours and its padding', async () => {
    await fc.assert(
      fc.asyncProperty(SEEDS, async (seed) => {
        const random = createRandom(seed);
        const twin = randomGated(random, gates);
        const rows = Array.from({ length: 4 }, () => randomRow(random, twin.config));
        const batch = await run(twin, rows, twin.config.max_position_embeddings);
        for (const [i, row] of rows.entries()) {
          const alone = await run(twin, [row]);
          for (const output of ['logits', 'features', 'gates'])
            expect(maxDifference(rowOf(batch[output], i), rowOf(alone[output], 0))).toBeLessThan(TOLERANCE);
        }
      }),
      { seed: 6, numRuns: 5 },
    );
  });

  test.each([0, 0.5])(
    'are the same in tfjs as in ONNX, their gradient agrees with finite differences: diversity %d',
    { timeout: 60_000 },
    async (diversity) => {
      const random = createRandom(9);
      const twin = randomGated(random, gates);
      const { model, shared, modules } = twin;
      const rows = Array.from({ length: 5 }, () => randomRow(random, twin.config));
      const numbers = [...twin.gateTensors.values()].flatMap(({ data }) => [...data]);
      const { weight, bias } = {
        weight: floatTensor([3, model.width], randomFloats(random, 3 * model.width)),
        bias: floatTensor([3], randomFloats(random, 3)),
      };
      const tokens = rows.map(({ ids, types }) => ({ ids: Int32Array.from(ids), types: Int32Array.from(types) }));
      const task = { rows: tokens, head: { weight: tf.tensor(weight.data, [3, model.width]), bias: tf.tensor(bias.data) } };
      const seen = [...tokens].reverse().slice(1);
      const parts = { model, gates, shared, experts: modules.map((own) => ({ modules: asLoaded(own) })) };
      const encoder = await createGatedEncoder(tf, parts, { start: numbers, rows: seen, diversity });
      const folded = encoder.folded(numbers);
      expect(maxDifference(folded, numbers)).toBeGreaterThan(0.01); // centring does something
      const { logits } = await run({ ...twin, gateTensors: cutGates(twin, folded), heads: [{ weight, bias }] }, rows);
      const before = tf.memory().numTensors;
      const shares = rows.map((_, i) => sharesOf([...rowOf(logits, i)]));
      const mean = [0, 1, 2].map((c) => shares.reduce((sum, own) => sum + own[c], 0) / rows.length);
      const expected = shares.reduce((sum, own) => sum + entropyOf(own), 0) / rows.length - diversity * entropyOf(mean);
      expect(await encoder.entropy(numbers, [task])).toBeCloseTo(expected, 5);
      const gradient = await encoder.gradient(numbers, [task]);
      expect(tf.memory().numTensors).toBe(before);
      const norm = Math.hypot(...gradient);
      const move = (step: number): Promise<number> =>
        encoder.entropy(
          numbers.map((value, i) => value + (step * gradient[i]) / norm),
          [task],
        );
      expect(((await move(5e-3)) - (await move(-5e-3))) / 1e-2 / norm).toBeCloseTo(1, 2);
      encoder.dispose();
    },
  );
});

/** Softmax. */
function sharesOf(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const raw = logits.map((value) => Math.exp(value - most));
  const total = raw.reduce((sum, value) => sum + value, 0);
  return raw.map((value) => value / total);
}

function entropyOf(shares: readonly number[]): number {
  return shares.reduce((sum, share) => sum - share * Math.log(share + 1e-8), 0);
}

/** Numbers as the parameters of gates. */
function cutGates({ gateTensors }: GatedTwin, numbers: readonly number[]): ReadonlyMap<string, FloatTensor> {
  let at = 0;
  return new Map(
    [...gateTensors].map(([name, { shape }]) => [name, floatTensor(shape, Float32Array.from(numbers.slice(at, (at += sizeOf(shape)))))]),
  );
}

function randomFloats(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal());
}

function asLoaded(modules: ReadonlyMap<string, ExclusiveModule>): ReadonlyMap<string, LoadedModule> {
  const matrix = ({ shape, data }: FloatTensor) => ({ rows: shape[0], cols: shape[1], data });
  return new Map(
    [...modules].map(([name, module]): [string, LoadedModule] => [
      name,
      module.kind === 'factored' ? { kind: 'factored', u: matrix(module.u), v: matrix(module.v) } : module,
    ]),
  );
}
