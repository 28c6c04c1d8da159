// Thousands of experts registered, memory for a hundred: answers are those of an origin that holds them all, and the ones that are asked for all the time stay.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { openPack } from '../../src/formats/pack.ts';
import type { FolderSource } from '../../src/formats/source.ts';
import { createSha256, openFolder } from '../../src/host/files.ts';
import type { GraphExpert } from '../../src/model/twin-parameters.ts';
import { createBatcher } from '../../src/origin/batcher.ts';
import { systemClock } from '../../src/origin/clock.ts';
import type { Encoder } from '../../src/origin/encoder.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import type { PredictorRow } from '../../src/origin/predictor.ts';
import { buildTinyPack, makeTinyInputs, type TinyInputs } from '../helpers/tiny-pack.ts';
import { randomTwin } from '../model/random-twin.ts';
import { randomEncoder } from './random-encoder.ts';

const REGISTERED = 2000;
const RESIDENT = 100;
const HOT = 40;
const random = createRandom(3, 'many experts');
const twin = randomTwin(random);

/** The twin's experts again and again, each in another strength. */
const experts: readonly GraphExpert[] = Array.from({ length: REGISTERED }, (_, i) => {
  const { module } = twin.experts[i % twin.experts.length];
  const strength = 0.5 + i / REGISTERED;
  return {
    name: `e${i}`,
    module(parameter) {
      const found = module(parameter);
      if (found?.kind !== 'factored') return found;
      return { ...found, u: { ...found.u, data: found.u.data.map((value) => value * strength) } };
    },
  };
});

const row = (...mixed: readonly number[]): PredictorRow => {
  const mix = new Float32Array(REGISTERED);
  for (const e of mixed) mix[e] = 1 / mixed.length;
  const length = 2 + random.below(6);
  return { ids: Int32Array.from({ length }, () => random.below(8)), types: new Int32Array(length), mix };
};

/** The rows one by one through a batcher, many at once. @returns their pooled vectors */
async function answersOf(encoder: Encoder, rows: readonly PredictorRow[]): Promise<readonly Float32Array[]> {
  const batcher = createBatcher<PredictorRow, Float32Array>({
    async run(batch) {
      const { pooled } = await encoder.run(batch);
      const width = pooled.shape[1];
      return batch.map((_, i) => pooled.data.slice(i * width, (i + 1) * width));
    },
    clock: systemClock,
    maxBatch: 8,
    maxDelayMs: 0,
    maxQueue: 1000,
  });
  const answers: Float32Array[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    for (let i = next++; i < rows.length; i = next++) {
      await encoder.prepare?.(rows[i].mix);
      [answers[i]] = (await batcher.submit([rows[i]])).outputs;
    }
  };
  await Promise.all(Array.from({ length: 24 }, client));
  await batcher.close();
  return answers;
}

test('2,000 experts in the memory of a hundred: exact answers at once, and a scan evicts no hot one', async () => {
  const loads = new Map<string, number>();
  const one = await randomEncoder({ ...twin, experts }, { expertBytes: Infinity });
  const bytes = bytesOfAnExpert();
  const paged = await randomEncoder(
    { ...twin, experts },
    { expertBytes: RESIDENT * bytes, onLoad: (name) => loads.set(name, (loads.get(name) ?? 0) + 1) },
  );
  const hot = Array.from({ length: 6 * HOT }, (_, i) => row(i % HOT));
  // Each rare one once, with hot ones between.
  const scan = Array.from({ length: 600 }, (_, i) => (i % 2 === 0 ? row(HOT + i, HOT + i + 1) : row(i % HOT)));
  const rows = [...hot, ...scan];
  expect(loads.size).toBe(0);
  const answers = await answersOf(paged, rows);
  const wanted = await answersOf(one, rows);
  for (const [i, answer] of answers.entries())
    for (const [j, value] of answer.entries()) expect(Math.abs(value - wanted[i][j])).toBeLessThan(1e-5);
  const again = Array.from({ length: HOT }, (_, e) => loads.get(`e${e}`) ?? 0).filter((times) => times > 1);
  expect(again.length).toBeLessThanOrEqual(HOT / 10);
  await one.release();
  await paged.release();
}, 60_000);

function bytesOfAnExpert(): number {
  const sizes = twin.experts.map(({ module }) =>
    [...twin.shared.keys()].reduce((sum, name) => {
      const found = module(name);
      if (found === undefined) return sum;
      return sum + (found.kind === 'whole' ? found.delta.data.byteLength : found.u.data.byteLength + found.v.data.byteLength);
    }, 0),
  );
  return Math.max(...sizes);
}

let inputs: TinyInputs;
let path: string;
beforeAll(async () => {
  inputs = await makeTinyInputs();
  path = await buildTinyPack(inputs);
}, 60_000);
afterAll(() => inputs.models.remove());

test('an expert that is registered is not read before somebody asks for it; one that is unloaded is refused until it is loaded again', async () => {
  const folder = await openFolder(path);
  const read = new Set<string>();
  const watched: FolderSource = {
    name: folder.name,
    list: () => folder.list(),
    async open(file) {
      const source = await folder.open(file);
      return source && { ...source, read: (...args) => (read.add(file), source.read(...args)) };
    },
  };
  const predictor = await loadPredictor(await openPack(watched, createSha256), undefined, { expertBytes: 1 << 20, threads: 1 });
  const ofExperts = (): string[] => [...read].filter((file) => file.startsWith('experts/'));
  expect(ofExperts()).toEqual([]);
  expect(predictor.pages?.counts()).toEqual({ registered: 3, resident: 0, bytes: 0, pageIns: 0, evictions: 0 });
  const one = Float32Array.of(0, 1, 0);
  await predictor.prepare?.(one, 1);
  expect(ofExperts()).toEqual(['experts/ships.safetensors']);
  predictor.pages?.unload('ships');
  await expect(predictor.prepare?.(one)).rejects.toMatchObject({ code: 'unavailable' });
  // Rows that were let in before finish.
  const [output] = await predictor.run([{ ids: Int32Array.of(1, 2), types: new Int32Array(2), mix: one }]);
  expect(output.logits(1)).toHaveLength(2);
  expect(predictor.pages?.counts().resident).toBe(0);
  await predictor.pages?.load('ships');
  await predictor.prepare?.(one);
  expect(predictor.pages?.counts().resident).toBe(1);
  await predictor.release();
  await folder.close();
});
