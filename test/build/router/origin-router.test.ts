import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/build/engine/engine.ts';
import { selectEngine } from '../../../src/build/engine/select.ts';
import { createPerceptronFit } from '../../../src/build/router/fit-perceptron.ts';
import { trainOriginRouter } from '../../../src/build/router/origin-router.ts';
import { exportLayers, foldNorms, runLayers, type Layer } from '../../../src/build/router/perceptron.ts';
import { noProgress } from '../../../src/core/progress.ts';
import { createRandom } from '../../../src/core/random.ts';
import { argmax } from '../../../src/core/routing/score.ts';
import { floatTensor } from '../../../src/core/tensor.ts';
import { createNodeSession } from '../../../src/host/ort-session.ts';
import { maxDifference } from '../../helpers/max-difference.ts';

const D = 16;
const CLASSES = 3;

/** What no linear layer separates: class 0 where the first two values are both positive or both negative, else 1 or 2. */
function makeRows(count: number, seed: number): { vectors: Float32Array; labels: Int32Array } {
  const random = createRandom(seed);
  const vectors = Float32Array.from({ length: count * D }, (_, i) =>
    i % D < 2 ? (random.below(2) * 2 - 1) * (1 + random.uniform()) : 0.3 * random.normal(),
  );
  const isPositive = (r: number, i: number): number => Number(vectors[r * D + i] > 0);
  return {
    vectors,
    labels: Int32Array.from({ length: count }, (_, r) => (isPositive(r, 0) === isPositive(r, 1) ? 0 : 1 + isPositive(r, 0))),
  };
}

function randomLayers(): Layer[] {
  const random = createRandom(7);
  const normals = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const norm = (n: number) => ({ mean: normals(n), variance: normals(n).map((x) => x * x + 0.1), gamma: normals(n), beta: normals(n) });
  return [
    { weight: normals(D * 16).map((x) => x / 4), bias: normals(16), norm: norm(16) },
    { weight: normals(256).map((x) => x / 8), bias: normals(16), norm: norm(16) },
    { weight: normals(48).map((x) => x / 8), bias: normals(3) },
  ];
}

describe('layers', () => {
  const layers = randomLayers();
  const { vectors } = makeRows(20, 1);
  const plain = runLayers(layers, vectors, 20);

  test('oracle 12: folding normalisations changes nothing', () => {
    const folded = foldNorms(layers);
    expect(folded.every(({ norm }) => norm === undefined)).toBe(true);
    expect(maxDifference(runLayers(folded, vectors, 20), plain)).toBeLessThan(1e-5);
  });

  test('the file computes the same for any number of rows', async () => {
    const session = await createNodeSession(exportLayers(foldNorms(layers)));
    for (const rows of [1, 20]) {
      const { logits } = await session.run({ features: floatTensor([rows, D], vectors.slice(0, rows * D)) });
      expect(logits.shape).toEqual([rows, 3]);
      expect(logits.dtype === 'float32' && maxDifference(logits.data, plain.subarray(0, rows * 3))).toBeLessThan(1e-5);
    }
    await session.release();
  });
});

describe('training', () => {
  let engine: Engine;
  const rows = makeRows(900, 2);
  const features = floatTensor([900, D], rows.vectors);
  const train = (seed: number) => trainOriginRouter(engine, features, [...rows.labels], { classes: CLASSES, seed, progress: noProgress });

  beforeAll(async () => {
    engine = await selectEngine('wasm', { log: () => undefined });
  });

  test('statistics are those of the training rows', async () => {
    const fit = createPerceptronFit(engine.tf, rows, CLASSES, 128, createRandom(1));
    await fit.epoch(5e-4, 5e-4);
    const [{ weight, bias, norm }] = await fit.layers();
    const outputs = runLayers([{ weight, bias }], rows.vectors, 900);
    const column = Array.from({ length: 900 }, (_, r) => outputs[r * 2 * D]);
    const mean = column.reduce((sum, value) => sum + value, 0) / 900;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 900;
    expect(norm?.mean[0]).toBeCloseTo(mean, 4);
    expect(norm?.variance[0]).toBeCloseTo(variance, 3);
  });

  test('learns what no linear layer can, and the same bytes twice', async () => {
    const router = await train(0);
    const fresh = makeRows(300, 3);
    const session = await createNodeSession(router.model);
    const { logits } = await session.run({ features: floatTensor([300, D], fresh.vectors) });
    const right = fresh.labels.filter(
      (label, r) => logits.dtype === 'float32' && argmax(logits.data.subarray(r * CLASSES, (r + 1) * CLASSES)) === label,
    ).length;
    expect(right / 300).toBeGreaterThan(0.85);
    expect(router.rows).toEqual({ train: 811, held_back: 89 });
    expect(router.accuracy).toBeGreaterThan(0.85);
    expect(Buffer.compare((await train(0)).model, router.model)).toBe(0);
    await session.release();
  });

  test('features that do not fit the labels are refused', async () => {
    await expect(trainOriginRouter(engine, features, [0, 1], { classes: 2, seed: 0, progress: noProgress })).rejects.toMatchObject({
      code: 'shape',
    });
  });
});
