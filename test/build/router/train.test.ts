// The light router from rows to logits: what it learns, that it learns the same twice, and that every runtime computes the same.

import { InferenceSession, Tensor as OrtTensor, env } from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/build/engine/engine.ts';
import { selectEngine } from '../../../src/build/engine/select.ts';
import { exportNetwork, quantizeNetwork } from '../../../src/build/router/export.ts';
import { logitsOf, type Network } from '../../../src/build/router/network.ts';
import { stratifiedSplit } from '../../../src/build/router/split.ts';
import { FEATURES, type RouterRow, trainRouter, type TrainedRouter } from '../../../src/build/router/train.ts';
import { noProgress } from '../../../src/core/progress.ts';
import { createRandom } from '../../../src/core/random.ts';
import { createExtractor } from '../../../src/core/routing/features.ts';
import { argmax } from '../../../src/core/routing/score.ts';
import { createNodeSession } from '../../../src/host/ort-session.ts';
import { createRouter, createScore } from '../../../src/model/router.ts';
import type { Session } from '../../../src/model/session.ts';
import { maxDifference } from '../../helpers/max-difference.ts';

const random = createRandom(1);
const word = (from: readonly string[]): string => from[random.below(from.length)];

/** Three kinds of text that differ in words and shape. */
function makeRows(count: number): RouterRow[] {
  return Array.from({ length: count }, (_, i): RouterRow => {
    if (i % 3 === 0) return { text: `${word(['Why', 'When', 'How'])} did my ${word(['card', 'transfer', 'top up'])} fail?`, expert: 0 };
    if (i % 3 === 1) return { text: `a ${word(['dull', 'lovely', 'tired'])} ${word(['film', 'plot', 'script'])} .`, expert: 1 };
    return { text: `A ${word(['man', 'dog', 'girl'])} is running.`, text_pair: `The ${word(['man', 'cat', 'boy'])} sleeps.`, expert: 2 };
  });
}

const PROBES: readonly (readonly [string, string?])[] = [
  ['When did my card fail?'],
  ['a tired script .'],
  ['A dog is running.', 'The dog sleeps.'],
  [''],
  ['\ud83d\u0000שלום'],
  ['word '.repeat(1000), 'x'.repeat(5000)],
];

async function createWebSession(model: Uint8Array): Promise<Session> {
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(model, { executionProviders: ['wasm'] });
  return {
    async run({ ids, weights }) {
      if (ids.dtype !== 'int32' || weights.dtype !== 'float32') throw new Error('expected ids and weights');
      const { logits } = await session.run({
        ids: new OrtTensor('int32', ids.data, ids.shape),
        weights: new OrtTensor('float32', weights.data, weights.shape),
      });
      if (!(logits.data instanceof Float32Array)) throw new Error('expected float32');
      return { logits: { dtype: 'float32', shape: logits.dims, data: logits.data } };
    },
    release: () => session.release(),
  };
}

describe('a trained router', () => {
  let engine: Engine;
  let router: TrainedRouter;
  const rows = makeRows(150);
  const train = (seed: number): Promise<TrainedRouter> => trainRouter(engine, rows, { classes: 3, seed, progress: noProgress });

  beforeAll(async () => {
    engine = await selectEngine('wasm', { log: () => undefined });
    router = await train(0);
  });

  test('answers rows like its own, within the size of a pack', async () => {
    const session = await createNodeSession(router.model);
    const score = createScore(session, router.features, 3);
    for (const row of makeRows(30)) expect(argmax(await score(row.text, row.text_pair))).toBe(row.expert);
    expect(router).toMatchObject({ rows: { train: 135, held_back: 15 }, accuracy: 1 });
    expect(router.calibration_error).toBeLessThan(0.1);
    expect(router.model.length).toBeLessThan(1.9e6);
    await session.release();
  });

  test('routes through its policy', async () => {
    const session = await createNodeSession(router.model);
    const policy = { temperature: router.temperature, top_k: 2, threshold: 0, abstain: 0 };
    const { scores, mix } = await createRouter(session, {
      features: router.features,
      classes: ['banking', 'films', 'pairs'],
      policy,
    }).route('a dull film .');
    expect(scores.map(({ expert }) => expert)).toEqual(['banking', 'films', 'pairs']);
    expect(mix[0]).toMatchObject({ expert: 'films' });
    expect(mix).toHaveLength(2);
    await session.release();
  });

  test('is the same bytes for the same seed, and other bytes for another', async () => {
    expect(Buffer.compare((await train(0)).model, router.model)).toBe(0);
    expect(Buffer.compare((await train(1)).model, router.model)).not.toBe(0);
  });

  test('needs rows of every class', async () => {
    await expect(
      trainRouter(
        engine,
        rows.filter((row) => row.expert !== 1),
        { classes: 3, seed: 0, progress: noProgress },
      ),
    ).rejects.toMatchObject({ code: 'config', param: 'models[1].examples' });
  });

  test('learns from one row a class', async () => {
    const few = await trainRouter(engine, rows.slice(0, 3), { classes: 3, seed: 0, progress: noProgress });
    expect(few).toMatchObject({ rows: { train: 3, held_back: 0 }, temperature: 1, accuracy: 0, calibration_error: 0 });
  });
});

describe('router.onnx', () => {
  const draw = createRandom(2);
  const normals = (length: number, scale: number): Float32Array => Float32Array.from({ length }, () => scale * draw.normal());
  const network: Network = {
    width: 16,
    classes: 8,
    table: normals(FEATURES.buckets * 16, 0.1),
    weight: normals(128, 1),
    bias: normals(8, 1),
  };
  const quantized = quantizeNetwork(network);

  test.each([
    ['onnxruntime-node', createNodeSession],
    ['onnxruntime-web', createWebSession],
  ])('%s computes what plain TypeScript computes', async (_, createSession) => {
    const session = await createSession(exportNetwork(quantized));
    const score = createScore(session, FEATURES, 8);
    const extract = createExtractor(FEATURES);
    for (const probe of PROBES)
      expect(maxDifference(await score(...probe), logitsOf(quantized.network, extract(...probe)))).toBeLessThan(1e-5);
    await session.release();
  });

  test('int8 is within half a step of each row, and keeps rows of zeros', () => {
    const table = network.table.slice(0, 64);
    table.fill(0, 16, 32);
    const { network: rounded, scales } = quantizeNetwork({ ...network, table });
    for (const [i, value] of table.entries())
      expect(Math.abs(value - rounded.table[i])).toBeLessThanOrEqual(scales[Math.floor(i / 16)] * 0.5001);
    expect(scales[1]).toBe(0);
  });
});

test('a stratified split takes the same share of each class and every row once', () => {
  const labels = Array.from({ length: 137 }, (_, i) => (i < 9 ? 0 : i % 2 === 0 ? 1 : 2));
  const { train, heldBack } = stratifiedSplit(labels, 0.1, 4);
  expect([...train, ...heldBack].toSorted((a, b) => a - b)).toEqual([...labels.keys()]);
  expect([0, 1, 2].map((label) => heldBack.filter((row) => labels[row] === label).length)).toEqual([0, 6, 6]);
  expect(stratifiedSplit(labels, 0.1, 4)).toEqual({ train, heldBack });
  expect(stratifiedSplit(labels, 0.1, 5).heldBack).not.toEqual(heldBack);
});
