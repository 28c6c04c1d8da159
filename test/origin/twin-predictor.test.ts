// The predictor over a real graph on onnxruntime, behind the real batcher and routes: rows of different requests share batches, and each
// gets the answer of its own mix.

import type { HeadStore } from '../../src/origin/head-store.ts';
import type { GraphHead } from '../../src/model/twin-parameters.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { OipResponse } from '../../src/contract/oip.ts';
import type { Manifest } from '../../src/contract/manifest.ts';
import { createRandom } from '../../src/core/random.ts';
import { argmax } from '../../src/core/routing/score.ts';
import { floatTensor, type Tensor } from '../../src/core/tensor.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import type { Session } from '../../src/model/session.ts';
import type { Encoder } from '../../src/origin/encoder.ts';
import type { Predictor } from '../../src/origin/predictor.ts';
import { createTwinPredictor } from '../../src/origin/twin-predictor.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { feedsOf, lookUp, mergeDense, randomMix, randomRow, randomTwin, rowOf } from '../model/random-twin.ts';
import { createFakeApp } from './fake-app.ts';
import { randomEncoder } from './random-encoder.ts';

const TOLERANCE = 1e-5;
const random = createRandom(11);
const twin = randomTwin(random);
const names = twin.experts.map((expert) => expert.name);

/** The manifest of a pack that holds `twin`; only what serving reads is real. */
const manifest: Manifest = {
  schema: 1,
  name: 'tiny',
  config: '00000000000000aa',
  method: 'twin',
  parameters: {},
  seed: 0,
  engine: 'test',
  producer: 'test',
  architecture: { type: 'bert', config: { ...twin.config } },
  max_tokens: twin.config.max_position_embeddings,
  base: { sha256: '0'.repeat(64), license: 'none', source: 'test' },
  shared: { file: 'shared.safetensors', method: 'task_arithmetic', format: 'fp32' },
  experts: names.map((name, e) => ({
    name,
    kind: 'full',
    provenance: { sha256: '0'.repeat(64), license: 'none', source: 'test' },
    problem: 'classification',
    labels: Array.from(twin.heads[e].bias.data, (_, c) => `${name}-${c}`),
    file: `experts/${name}.safetensors`,
    format: 'fp32',
    tensors: [],
  })),
  routing: 'edge',
  tokenizer: { file: 'tokenizer.json', config_file: 'tokenizer_config.json' },
  files: {},
};

const tokenizer = {
  encode: (text: string) => {
    const ids = Int32Array.from(text, (char) => char.charCodeAt(0) % twin.config.vocab_size);
    return { ids, types: new Int32Array(ids.length), truncated: false };
  },
};

const fixedSession = (outputs: Record<string, Tensor>): Session => ({
  run: () => Promise.resolve(outputs),
  release: () => Promise.resolve(),
});

const idle: Encoder = { instances: 1, run: () => Promise.reject(new Error('not asked')), release: () => Promise.resolve() };
/** Heads that are in memory. */
function held(heads: readonly GraphHead[]): HeadStore {
  return { bring: () => Promise.resolve(), of: (expert) => heads[expert] };
}

const parts = { encoder: idle, heads: held(twin.heads), tokenizer };

/** Where the logits of a head are in a graph of all heads. */
function columnsOf(head: number): readonly [number, number] {
  const start = twin.heads.slice(0, head).reduce((sum, { bias }) => sum + bias.data.length, 0);
  return [start, start + twin.heads[head].bias.data.length];
}

describe('a real graph', () => {
  let predictor: Predictor;
  beforeAll(async () => {
    predictor = createTwinPredictor({ manifest, experts: names, encoder: await randomEncoder(twin), heads: held(twin.heads), tokenizer });
  });
  afterAll(() => predictor.release());

  test('takes its sizes from the manifest', () => {
    expect(predictor).toMatchObject({
      name: 'tiny',
      version: '00000000000000aa',
      maxTokens: 12,
      vocabulary: twin.config.vocab_size,
      segments: 2,
    });
    expect(predictor.experts.map(({ name, labels }) => [name, labels.length])).toEqual(
      twin.heads.map((head, e) => [names[e], head.bias.data.length]),
    );
  });

  test('requests that come at once share batches, and each row has the answer of its dense merge', async () => {
    const sizes: number[] = [];
    const counted: Predictor = { ...predictor, run: (rows) => (sizes.push(rows.length), predictor.run(rows)) };
    const { post } = createFakeApp([counted]);
    const rows = Array.from({ length: 12 }, () => ({
      row: randomRow(random, twin.config),
      mix: randomMix(random, names.length),
      head: random.below(names.length),
    }));
    const answers = await Promise.all(
      rows.map(async ({ row: { ids, types }, mix, head }) => {
        const tensor = (name: string, data: readonly number[]) => ({ name, datatype: 'INT64', shape: [1, ids.length], data });
        const response = await post('/v2/models/tiny.tokens/infer', {
          inputs: [
            tensor('input_ids', ids),
            tensor(
              'attention_mask',
              ids.map(() => 1),
            ),
            tensor('token_type_ids', types),
            { name: 'mix', datatype: 'FP32', shape: [1, names.length], data: mix },
            { name: 'head', datatype: 'BYTES', shape: [1], data: [names[head]] },
          ],
        });
        return z.parse(OipResponse, await response.json());
      }),
    );
    expect(sizes.reduce((a, b) => a + b)).toBe(rows.length);
    expect(sizes.length).toBeLessThan(rows.length);
    for (const [i, { row, mix, head }] of rows.entries()) {
      const dense = await createNodeSession(emitPlainGraph(bert, twin.config, lookUp(mergeDense(twin, mix)), twin.heads), { threads: 1 });
      const { logits } = await dense.run(feedsOf([row]));
      await dense.release();
      const wanted = rowOf(logits, 0).subarray(...columnsOf(head));
      const output = (name: string) => answers[i].outputs.find((candidate) => candidate.name === name)?.data ?? [];
      expect(maxDifference(Float32Array.from(output('logits').slice(0, wanted.length), Number), wanted)).toBeLessThan(TOLERANCE);
      expect(output('label')).toEqual([predictor.experts[head].labels[argmax(wanted)]]);
      expect(output('tokens')).toEqual([row.ids.length]);
    }
  });

  test('a subset of experts in another order answers alike', async () => {
    const order = [...names.keys()].reverse().slice(0, 2);
    const part = createTwinPredictor({
      manifest,
      experts: order.map((e) => names[e]),
      encoder: await randomEncoder(twin, { order }),
      heads: held(order.map((e) => twin.heads[e])),
      tokenizer,
    });
    const encoded = tokenizer.encode('some text');
    const whole = Float32Array.from(names, (_, e) => (e === order[1] ? 0.75 : 0));
    const [all] = await predictor.run([{ ...encoded, mix: whole }]);
    const [some] = await part.run([{ ...encoded, mix: Float32Array.of(0, 0.75) }]);
    expect(maxDifference(some.logits(1), all.logits(order[1]))).toBeLessThan(TOLERANCE);
    await part.release();
  });
});

describe('a pack with an origin router', () => {
  const router = {
    file: 'origin-router.onnx',
    classes: names,
    policy: { temperature: 1, top_k: 1, threshold: 0, abstain: 0 },
    rows: { train: 1, held_back: 1 },
    accuracy: 1,
  };
  const create = (routerSession: Session) =>
    createTwinPredictor({
      manifest: { ...manifest, origin_router: router },
      experts: names,
      encoder: idle,
      heads: held(twin.heads),
      tokenizer,
      routerSession,
    });

  test('routes by it and frees its session too', async () => {
    const scores = floatTensor(
      [1, names.length],
      Float32Array.from(names, (_, e) => (e === 1 ? 9 : 0)),
    );
    const release = vi.fn(() => Promise.resolve());
    const predictor = create({ ...fixedSession({ logits: scores }), release });
    const routed = await predictor.route?.([Float32Array.of(0)], undefined);
    expect(routed?.map(({ mix }) => [...mix])).toEqual([names.map((_, e) => (e === 1 ? 1 : 0))]);
    await predictor.release();
    expect(release).toHaveBeenCalledTimes(1);
  });

  test('a failure of the router is a defect', async () => {
    await expect(create(fixedSession({})).route?.([Float32Array.of(0)], undefined)).rejects.toMatchObject({ code: 'internal' });
  });

  test('has no route without the session', () => {
    expect(createTwinPredictor({ manifest: { ...manifest, origin_router: router }, experts: names, ...parts }).route).toBeUndefined();
  });
});

describe('what is refused', () => {
  test('experts that the pack has not, none at all, or a config without sizes', () => {
    expect(() => createTwinPredictor({ manifest, experts: ['nope'], ...parts })).toThrow('expected experts of pack tiny, got "nope"');
    expect(() => createTwinPredictor({ manifest, experts: [], ...parts })).toThrow('at least one resident expert');
    const bare = { ...manifest, architecture: { type: 'bert', config: {} } };
    expect(() => createTwinPredictor({ manifest: bare, experts: names, ...parts })).toThrow('expected vocab_size');
  });

  test('values that are not finite are a defect, not the fault of the caller', async () => {
    const pooled = floatTensor([1, 1], Float32Array.of(NaN));
    const encoder: Encoder = { ...idle, run: () => Promise.resolve({ pooled, features: pooled }) };
    const run = createTwinPredictor({ manifest, experts: names, ...parts, encoder }).run([
      { ...tokenizer.encode('a'), mix: new Float32Array(names.length) },
    ]);
    await expect(run).rejects.toMatchObject({ code: 'internal' });
  });
});
