import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dequantise } from '../../src/core/compress/quantise.ts';
import { matmulPlain } from '../../src/core/linalg/matmul.ts';
import { resolveParameters } from '../../src/core/merge/method.ts';
import { STATIC_METHODS, staticMethod } from '../../src/core/merge/registry.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import { floatTensor, type FloatTensor } from '../../src/core/tensor.ts';
import { mergeParameter, type MergedModule, type MergeSettings } from '../../src/build/merge-parameter.ts';
import { readTheta } from '../../src/build/theta.ts';
import type { ParameterSource } from '../../src/formats/checkpoint.ts';
import { maxDifference } from '../helpers/max-difference.ts';

function randomTensor(random: Random, shape: readonly number[]): FloatTensor {
  return floatTensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
  );
}

function lora(random: Random, [m, n]: readonly number[], rank: number): ParameterSource {
  const factors = { a: randomTensor(random, [rank, n]), b: randomTensor(random, [m, rank]), scaling: 0.5 };
  return { kind: 'lora', rank, read: () => Promise.resolve(factors) };
}

function dense(tensor: FloatTensor): ParameterSource {
  return { kind: 'dense', read: () => Promise.resolve(floatTensor(tensor.shape, tensor.data.slice())) };
}

function settingsOf(experts: number, change: Partial<MergeSettings> & { lambda?: number } = {}): MergeSettings {
  const method = change.method ?? staticMethod('task_arithmetic');
  const lambda = method.parameters['lambda'] === undefined ? {} : { lambda: change.lambda ?? 0.3 };
  return {
    method,
    parameters: resolveParameters(method.parameters, lambda, 'parameters'),
    expertParameters: Array.from({ length: experts }, () => resolveParameters(method.expertParameters, {}, 'models')),
    rank: { rank: 64 },
    format: 'fp32',
    seed: 0,
    matmul: matmulPlain,
    ...change,
  };
}

/** θ_s + module, what a mix of this expert alone serves. */
function served(shared: Float32Array, module: MergedModule): Float32Array {
  const sum = shared.slice();
  if (module.kind === 'whole') for (const [i, value] of module.delta.data.entries()) sum[i] += value;
  if (module.kind === 'factored') {
    const [u, v] = [dequantise(module.u), dequantise(module.v)];
    for (let i = 0; i < u.rows; i++)
      for (let j = 0; j < v.cols; j++)
        for (let k = 0; k < u.cols; k++) sum[i * v.cols + j] += u.data[i * u.cols + k] * v.data[k * v.cols + j];
  }
  return sum;
}

function expectFactored(module: MergedModule): MergedModule & { kind: 'factored' } {
  if (module.kind === 'factored') return module;
  throw new Error(`expected a factored module, got ${module.kind}`);
}

describe.each(STATIC_METHODS.map((method) => method.name))('with %s as the shared model', (name) => {
  const method = staticMethod(name);

  test('full rank and a one-hot mix give each expert back, however it is stored and whatever λ', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1000),
        fc.double({ min: -1, max: 2, noNaN: true }),
        fc.array(fc.constantFrom('lora', 'dense', 'same'), { minLength: method.experts.min, maxLength: Math.min(4, method.experts.max) }),
        async (seed, lambda, kinds) => {
          const random = createRandom(seed);
          const shape = [5 + random.below(12), 5 + random.below(12)];
          const base = randomTensor(random, shape);
          const experts = kinds.map((kind): ParameterSource =>
            kind === 'lora'
              ? lora(random, shape, 1 + random.below(3))
              : kind === 'dense'
                ? dense(randomTensor(random, shape))
                : { kind: 'same' },
          );
          const { shared, module } = await mergeParameter('w', base, experts, settingsOf(experts.length, { method, lambda }));
          for (const [t, expert] of experts.entries()) {
            expect(maxDifference(served(shared, await module(t)), await readTheta(base, expert, matmulPlain))).toBeLessThan(2e-5);
          }
        },
      ),
      { seed: 1, numRuns: 60 },
    );
  });
});

test('adapters merged by their factors equal the same experts merged dense', async () => {
  const random = createRandom(5);
  const base = randomTensor(random, [40, 30]);
  const experts = [lora(random, [40, 30], 2), lora(random, [40, 30], 3), { kind: 'same' } as const];
  const folded = await Promise.all(experts.map(async (expert) => dense(floatTensor([40, 30], await readTheta(base, expert, matmulPlain)))));
  const settings = settingsOf(3, { rank: { rank: 4 } });
  const factored = await mergeParameter('w', base, experts, settings);
  const full = await mergeParameter('w', base, folded, settings);
  expect(maxDifference(factored.shared, full.shared)).toBeLessThan(1e-5);
  for (const t of experts.keys()) {
    const [a, b] = [expectFactored(await factored.module(t)), expectFactored(await full.module(t))];
    expect(maxDifference(served(factored.shared, a), served(full.shared, b))).toBeLessThan(1e-3);
    expect(a.keptEnergy).toBeCloseTo(b.keptEnergy, 4);
  }
});

test('a small matrix keeps a rank of at least 1 under any density', async () => {
  const random = createRandom(6);
  const base = randomTensor(random, [1, 48]);
  const { module } = await mergeParameter(
    'token_type',
    base,
    [dense(randomTensor(random, [1, 48]))],
    settingsOf(1, { rank: { density: 0.01 } }),
  );
  expect(await module(0)).toMatchObject({ kind: 'factored', rank: 1 });
});

test('vectors are kept whole, and a parameter that nobody changed is neither stored nor copied', async () => {
  const random = createRandom(7);
  const base = randomTensor(random, [12]);
  const { module } = await mergeParameter('bias', base, [dense(randomTensor(random, [12])), { kind: 'same' }], settingsOf(2));
  expect((await module(0)).kind).toBe('whole');
  expect((await module(1)).kind).toBe('whole'); // it moved away from the shared model, which has a share of the first expert
  const unchanged = await mergeParameter('bias', base, [{ kind: 'same' }, { kind: 'same' }], settingsOf(2));
  expect(unchanged.shared).toBe(base.data);
  expect(await unchanged.module(1)).toEqual({ kind: 'unchanged' });
});

test('an energy of 1 − ε is kept by every module, and the stated error agrees with the stored factors', async () => {
  const random = createRandom(8);
  const base = randomTensor(random, [60, 50]);
  const theta = randomTensor(random, [60, 50]);
  const { shared, module } = await mergeParameter('w', base, [dense(theta)], settingsOf(1, { rank: { energy: 0.9 }, format: 'int8' }));
  const stored = expectFactored(await module(0));
  expect(stored.keptEnergy).toBeGreaterThanOrEqual(0.9);
  const delta = theta.data.map((value, i) => value - shared[i]);
  const missed = served(shared, stored).map((value, i) => value - theta.data[i]);
  const norm = (values: Float32Array): number => Math.hypot(...values);
  expect(stored.error).toBeCloseTo(norm(missed) / norm(delta), 4);
});
