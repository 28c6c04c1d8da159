// Promotion over real graphs: a mix that keeps coming is answered by weights of its own, and nobody can tell from the answers.

import { expect, test } from 'vitest';
import { createCostModel } from '../../src/core/batching/cost-model.ts';
import { createHotMixes } from '../../src/core/batching/hot-mixes.ts';
import { createRandom } from '../../src/core/random.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { encoderFeeds } from '../../src/model/encoder-feeds.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import { encodeRows } from '../../src/origin/encode-rows.ts';
import type { Encoder } from '../../src/origin/encoder.ts';
import type { PredictorRow } from '../../src/origin/predictor.ts';
import { createPromotingEncoder, type MixEncoder } from '../../src/origin/promoting-encoder.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { lookUp, mergeDense, randomRow, randomTwin } from '../model/random-twin.ts';
import { randomEncoder } from './random-encoder.ts';

const random = createRandom(21);
const twin = randomTwin(random);
const EXPERTS = twin.experts.length;

function row(...weights: readonly number[]): PredictorRow {
  const { ids, types } = randomRow(random, twin.config);
  return {
    ids: Int32Array.from(ids),
    types: Int32Array.from(types),
    mix: Float32Array.from({ length: EXPERTS }, (_, e) => weights[e] ?? 0),
  };
}

/** An encoder over two instances with one place, a factored one beside it, and what happened. */
async function promoting(merge: (mix: Float32Array) => Promise<void> = () => Promise.resolve(), places = 1) {
  const changes: string[] = [];
  const failures: unknown[] = [];
  const instances: number[] = [];
  const counts = { promoted: 0, open: 0 };
  const encoder = createPromotingEncoder({
    mixBytes: 100,
    factored: await randomEncoder(twin),
    hot: createHotMixes({ places, halfLifeTokens: 200, payingTokens: () => 20 }),
    async merge(mix, instance): Promise<MixEncoder> {
      await merge(mix);
      instances.push(instance);
      const dense = mergeDense(twin, [...mix]);
      const session = await createNodeSession(emitPlainGraph(bert, twin.config, lookUp(dense), []), { threads: 1 });
      counts.open += 1;
      return {
        run: (rows) => ((counts.promoted += 1), encodeRows(session, rows.length, encoderFeeds(rows))),
        release: () => ((counts.open -= 1), session.release()),
      };
    },
    cost: createCostModel({ start: 1, token: 0.1, tokenRank: 0.001, tiledTokenRank: 0.002, rank: 0.001, score: 1e-4 }),
    now: () => performance.now(),
    onChange: ({ promote, demote }) => changes.push(`${promote}for ${demote ?? 'nobody'}`),
    onFailure: (error) => failures.push(error),
  });
  return { encoder, factored: await randomEncoder(twin), changes, failures, instances, counts };
}

test('answers before, during and after promotions are the factored ones', async () => {
  expect(EXPERTS).toBeGreaterThan(1);
  const { encoder, factored, changes, counts } = await promoting();
  for (const [phase, weights] of [[1], [0, 1], [0.5, 0.25]].entries()) {
    for (let i = 0; i < 30; i++) {
      const rows = Array.from({ length: 1 + random.below(4) }, () => row(...weights));
      const [own, wanted] = [await encoder.run(rows), await factored.run(rows)];
      expect(maxDifference(own.pooled.data, wanted.pooled.data)).toBeLessThan(1e-5);
      expect(maxDifference(own.features.data, wanted.features.data)).toBeLessThan(1e-5);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(changes).toHaveLength(phase + 1);
  }
  expect(changes).toEqual(['0:256 for nobody', '1:256 for 0:256 ', '0:128 1:64 for 1:256 ']);
  expect(counts.promoted).toBeGreaterThan(0);
  expect(counts.open).toBe(1);
  await encoder.release();
  expect(counts.open).toBe(0);
  await factored.release();
});

test('rows of a promoted mix run by themselves, a mix off the grid never', async () => {
  const { encoder, changes } = await promoting();
  for (let i = 0; i < 30; i++) {
    await encoder.run([row(1)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(changes).toHaveLength(1);
  const waiting = [row(1), row(0, 1), row(1), row(0.1), row(0, 1)];
  expect(encoder.choose?.(waiting, 8)?.every((i) => waiting[i].mix[0] === 1)).toBe(true);
  expect(encoder.choose?.(waiting.slice(1), 8)?.every((i) => waiting[i + 1].mix[0] !== 1)).toBe(true);
  for (let i = 0; i < 60; i++) await encoder.run([row(0.1)]);
  expect(changes).toHaveLength(1);
  await encoder.release();
});

/** Runs rows of a mix on an instance until it is promoted, or as often as would do. */
async function heat(encoder: Encoder, weights: readonly number[], instance: number): Promise<void> {
  const held = (): number => encoder.promotions?.().promoted ?? 0;
  const before = held();
  for (let i = 0; i < 60 && held() === before; i++) {
    await encoder.run([row(...weights)], instance);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('each mix has its weights on one instance: others leave its rows to it, unless nothing else waits, and then they are factored', async () => {
  const { encoder, factored, instances, counts } = await promoting(undefined, 2);
  await heat(encoder, [1], 0);
  await heat(encoder, [0, 1], 0);
  expect(instances).toEqual([0, 1]);
  const waiting = [row(1), row(0, 1), row(1), row(0.1), row(0, 1)];
  expect(encoder.choose?.(waiting, 8, 0)).toEqual([0, 2]);
  expect(encoder.choose?.(waiting, 8, 1)).toEqual([1, 4]);
  // The oldest that it may take: one off the grid.
  expect(encoder.choose?.(waiting.slice(2), 8, 1)).toEqual([1]);
  const own = [row(1), row(1)];
  expect(encoder.choose?.(own, 8, 1)).toHaveLength(2);
  const before = counts.promoted;
  const [here, there, wanted] = await Promise.all([encoder.run(own, 0), encoder.run(own, 1), factored.run(own)]);
  expect(counts.promoted).toBe(before + 1);
  for (const { pooled } of [here, there]) expect(maxDifference(pooled.data, wanted.pooled.data)).toBeLessThan(1e-5);
  await encoder.release();
  await factored.release();
});

test('weights that lose their place under a run are freed after it, those of an idle instance at once', async () => {
  const { encoder, counts } = await promoting(undefined, 2);
  await heat(encoder, [1], 0);
  await heat(encoder, [0, 1], 0);
  expect(counts.open).toBe(2);
  const running = encoder.run([row(1)], 0);
  await encoder.relieve?.();
  expect(counts.open).toBe(1);
  expect(encoder.promotions?.()).toMatchObject({ held: 0, demoted: 2 });
  await running;
  expect(counts.open).toBe(0);
  await encoder.release();
});

test('a mix that cannot be merged stays factored; a merge that ends after the release is freed', async () => {
  const broken = await promoting(() => Promise.reject(new Error('damaged')));
  for (let i = 0; i < 20; i++) {
    await broken.encoder.run([row(1)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(broken.failures.length).toBeGreaterThan(0);
  expect(broken.changes).toEqual([]);
  await broken.encoder.release();

  let finish = (): void => {};
  const late = await promoting(() => new Promise((resolve) => (finish = resolve)));
  for (let i = 0; i < 20; i++) await late.encoder.run([row(1)]);
  const released = late.encoder.release();
  finish();
  await released;
  expect(late.counts.open).toBe(0);
});
