// What is learnt, turned into plain methods; and RegMean's closed form. The learning is tested in test/build/adapt.

import { describe, expect, test } from 'vitest';
import { matmulPlain } from '../../../src/core/linalg/matmul.ts';
import type { Matrix } from '../../../src/core/linalg/matrix.ts';
import { adaMergingLayer, adaMergingPlus, withCoefficients } from '../../../src/core/merge/ada-merging.ts';
import { mergeTensor, resolveParameters, type TensorContext } from '../../../src/core/merge/method.ts';
import { regMean, regmean, regularise, withGrams, type GramSums } from '../../../src/core/merge/regmean.ts';
import { ADAPTIVE_METHODS, STATIC_METHODS, sharedMethod, staticMethod } from '../../../src/core/merge/registry.ts';
import { createRandom } from '../../../src/core/random.ts';
import { gaussian, worstDifference } from '../linalg/matrices.ts';

function contextOf(base: Float32Array, vectors: readonly Float32Array[], density = 1): TensorContext {
  return {
    name: 'w',
    shape: [base.length],
    base,
    vectors,
    parameters: {},
    experts: vectors.map(() => ({ density })),
    random: createRandom(0),
    matmul: matmulPlain,
  };
}

describe('the registry', () => {
  test.each(ADAPTIVE_METHODS.map((method) => [method.name, method] as const))(
    '%s is found as a shared model only, and its defaults are in range',
    (name, method) => {
      expect(sharedMethod(name)).toBe(method);
      expect(() => staticMethod(name)).toThrow(/merge method: expected one of/);
      expect(method.source).toMatch(/^arXiv:\d/);
      resolveParameters(method.parameters, resolveParameters(method.parameters, {}, 'parameters'), 'parameters');
      resolveParameters(method.expertParameters, resolveParameters(method.expertParameters, {}, 'models'), 'models');
    },
  );

  test('every data-free method is one of a shared model, too', () => {
    expect(STATIC_METHODS.map(({ name }) => sharedMethod(name))).toEqual(STATIC_METHODS);
    expect(() => sharedMethod('adamerging')).toThrow(/task_arithmetic.*ada_merging.*regmean/);
  });
});

describe('AdaMerging with known coefficients', () => {
  test('is Task Arithmetic with a coefficient an expert', async () => {
    const method = withCoefficients(adaMergingLayer, [0.5, -2]);
    expect(method.kind).toBe('linear');
    expect([...(await mergeTensor(method, contextOf(Float32Array.of(1, 1), [Float32Array.of(2, 0), Float32Array.of(0, 3)])))]).toEqual([
      2, -5,
    ]);
  });

  test('++ scales what TIES trims and elects: worked by hand', async () => {
    const method = withCoefficients(adaMergingPlus, [1, 10]);
    // Kept halves: [4, 0, −3, 0] and [−5, 2, 0, 0]. The sums −1, 2, −3 elect minus, plus, minus: 4 loses.
    const vectors = [Float32Array.of(4, 1, -3, 0.5), Float32Array.of(-5, 2, 1, 0)];
    expect([...(await mergeTensor(method, contextOf(new Float32Array(4), vectors, 0.5)))]).toEqual([-50, 20, -3, 0]);
  });

  test('++ with one expert and density 1 keeps the task vector; where signs cancel the majority decides', async () => {
    const vector = Float32Array.of(1, -2, 0);
    expect([...(await mergeTensor(withCoefficients(adaMergingPlus, [1]), contextOf(new Float32Array(3), [vector])))]).toEqual([1, -2, 0]);
    const drawn = [Float32Array.of(1, -3, -2), Float32Array.of(-1, 0, 0)];
    expect([...(await mergeTensor(withCoefficients(adaMergingPlus, [1, 1]), contextOf(new Float32Array(3), drawn)))]).toEqual([-1, -3, -2]);
  });
});

/** XᵀX / rows. */
async function gramOf(inputs: Matrix): Promise<Matrix> {
  const { data, ...shape } = await matmulPlain(inputs, inputs, true);
  return { ...shape, data: data.map((value) => value / inputs.rows) };
}

async function sumsOf(vectors: readonly Matrix[], inputs: readonly Matrix[], offDiagonal: number): Promise<GramSums> {
  const grams = await Promise.all(inputs.map(gramOf));
  for (const gram of grams) regularise(gram, offDiagonal);
  const moved = await Promise.all(vectors.map((vector, t) => matmulPlain(vector, grams[t])));
  const add = (matrices: readonly Matrix[]): Matrix => ({
    ...matrices[0],
    data: matrices[0].data.map((_, i) => matrices.reduce((sum, { data }) => sum + data[i], 0)),
  });
  return { grams: add(grams), moved: add(moved) };
}

describe('RegMean', () => {
  const base = gaussian(4, 6, 1).data;
  test('oracle 11: identical experts are returned, whatever they read', async () => {
    const vector = gaussian(4, 6, 2);
    const merged = regMean(base, await sumsOf([vector, vector, vector], [gaussian(50, 6, 3), gaussian(50, 6, 4), gaussian(2, 6, 5)], 0.9));
    expect(
      worstDifference(
        merged,
        base.map((value, i) => value + vector.data[i]),
      ),
    ).toBeLessThan(1e-5);
  });

  test('oracle 11: a singular Gram matrix is regularised: fewer tokens than inputs, an input that is always 0, no input at all', async () => {
    const silent = { ...gaussian(3, 6, 8), data: gaussian(3, 6, 8).data.map((value, i) => (i % 6 === 2 ? 0 : value)) };
    const vectors = [gaussian(4, 6, 6), gaussian(4, 6, 7)];
    const merged = regMean(base, await sumsOf(vectors, [silent, silent], 0.9));
    expect(merged.every(Number.isFinite)).toBe(true);
    // Nothing is known of column 2: the average of the experts.
    for (let i = 0; i < 4; i++)
      expect(merged[i * 6 + 2]).toBeCloseTo(base[i * 6 + 2] + (vectors[0].data[i * 6 + 2] + vectors[1].data[i * 6 + 2]) / 2, 4);
    const nothing = { rows: 3, cols: 6, data: new Float32Array(18) };
    expect(
      worstDifference(
        regMean(base, await sumsOf(vectors, [nothing, nothing], 0.9)),
        base.map((value, i) => value + (vectors[0].data[i] + vectors[1].data[i]) / 2),
      ),
    ).toBeLessThan(1e-6);
  });

  test('without regularisation the same Gram matrix is an error', async () => {
    const vectors = [gaussian(4, 6, 6)];
    const gram = { rows: 6, cols: 6, data: new Float32Array(36).fill(1) };
    await expect(async () => regMean(base, { grams: gram, moved: await matmulPlain(vectors[0], gram) })).rejects.toMatchObject({
      code: 'numeric',
    });
  });

  test('no other weight answers its experts more nearly: the least-squares optimum', async () => {
    const vectors = [gaussian(4, 6, 9), gaussian(4, 6, 10)];
    const inputs = [gaussian(40, 6, 11), gaussian(40, 6, 12)];
    const merged = regMean(base, await sumsOf(vectors, inputs, 1));
    const lossAt = async (weight: Float32Array): Promise<number> => {
      let loss = 0;
      for (const [t, x] of inputs.entries()) {
        const difference = { rows: 4, cols: 6, data: weight.map((value, i) => value - base[i] - vectors[t].data[i]) };
        const missed = await matmulPlain(x, difference, false, true);
        loss += missed.data.reduce((sum, value) => sum + value * value, 0);
      }
      return loss;
    };
    const best = await lossAt(merged);
    for (let seed = 0; seed < 10; seed++) {
      const step = gaussian(4, 6, 20 + seed).data;
      expect(await lossAt(merged.map((value, i) => value + 0.01 * step[i]))).toBeGreaterThan(best);
    }
  });

  test('every other parameter is averaged', async () => {
    const method = withGrams(regmean, undefined);
    expect([...(await mergeTensor(method, contextOf(Float32Array.of(1), [Float32Array.of(2), Float32Array.of(4)])))]).toEqual([4]);
  });
});
