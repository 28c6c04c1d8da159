import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dequantise } from '../../src/core/compress/quantise.ts';
import { matmulPlain } from '../../src/core/linalg/matmul.ts';
import { resolveParameters } from '../../src/core/merge/method.ts';
import { STATIC_METHODS, staticMethod } from '../../src/core/merge/registry.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import { floatTensor, type FloatTensor } from '../../src/core/tensor.ts';
import { mergeParameter, parameterSpectra, type MergeSettings } from '../../src/build/merge-parameter.ts';
import type { MergedModule } from '../../src/build/merged-module.ts';
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
    about: 'shared',
    rankOf: () => ({ rank: 64 }),
    format: 'fp32',
    seed: 0,
    matmul: matmulPlain,
    ...change,
  };
}

/** θ_s + Σ w·module, what a mix serves. */
function served(
  shared: Float32Array,
  ...terms: readonly (MergedModule | { readonly module: MergedModule; readonly weight: number })[]
): Float32Array {
  const sum = Float64Array.from(shared);
  for (const term of terms) {
    const { module, weight } = 'weight' in term ? term : { module: term, weight: 1 };
    if (module.kind === 'whole') for (const [i, value] of module.delta.data.entries()) sum[i] += weight * value;
    if (module.kind === 'factored') {
      const [u, v] = [dequantise(module.u), dequantise(module.v)];
      for (let i = 0; i < u.rows; i++)
        for (let j = 0; j < v.cols; j++)
          for (let k = 0; k < u.cols; k++) sum[i * v.cols + j] += weight * u.data[i * u.cols + k] * v.data[k * v.cols + j];
    }
  }
  return Float32Array.from(sum);
}

/** The fade of a merge about the base. */
function expectFade(fade: MergedModule | undefined): MergedModule {
  if (fade !== undefined) return fade;
  throw new Error('expected a fade, got none');
}

function randomExperts(random: Random, shape: readonly number[], kinds: readonly string[]): ParameterSource[] {
  return kinds.map((kind) =>
    kind === 'lora' ? lora(random, shape, 1 + random.below(3)) : kind === 'dense' ? dense(randomTensor(random, shape)) : { kind: 'same' },
  );
}

function expectFactored(module: MergedModule): MergedModule & { kind: 'factored' } {
  if (module.kind === 'factored') return module;
  throw new Error(`expected a factored module, got ${module.kind}`);
}

describe.each(STATIC_METHODS.map((method) => method.name))('with %s as the shared model', (name) => {
  const method = staticMethod(name);

  test('oracle 1: full rank and a one-hot mix give each expert back, however it is stored and whatever λ', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1000),
        fc.double({ min: -1, max: 2, noNaN: true }),
        fc.array(fc.constantFrom('lora', 'dense', 'same'), { minLength: method.experts.min, maxLength: Math.min(4, method.experts.max) }),
        async (seed, lambda, kinds) => {
          const random = createRandom(seed);
          const shape = [5 + random.below(12), 5 + random.below(12)];
          const base = randomTensor(random, shape);
          const experts = randomExperts(random, shape, kinds);
          const { shared, module } = await mergeParameter('w', base, experts, settingsOf(experts.length, { method, lambda }));
          for (const [t, expert] of experts.entries()) {
            expect(maxDifference(served(shared, await module(t)), await readTheta(base, expert, matmulPlain))).toBeLessThan(2e-5);
          }
        },
      ),
      { seed: 1, numRuns: 60 },
    );
  });

  test('about the base, any mix serves W_0 + (1 − Σw)(W_s − W_0) + Σ w·module, and a full one stands on the base whatever the rank', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1000),
        fc.constantFrom(1, 3, 64),
        fc.constantFrom('fp32' as const, 'int8' as const),
        fc.array(fc.constantFrom('lora', 'dense', 'same'), { minLength: method.experts.min, maxLength: Math.min(4, method.experts.max) }),
        async (seed, rank, format, kinds) => {
          const random = createRandom(seed);
          const shape = random.uniform() < 0.2 ? [12] : [5 + random.below(12), 5 + random.below(12)];
          const base = randomTensor(random, shape);
          const experts = shape.length === 1 ? kinds.map(() => dense(randomTensor(random, shape))) : randomExperts(random, shape, kinds);
          const { shared, fade, module } = await mergeParameter(
            'w',
            base,
            experts,
            settingsOf(experts.length, { method, about: 'base', format, rankOf: () => ({ rank }) }),
          );
          const modules = await Promise.all(experts.map((_, t) => module(t)));
          const raw = experts.map(() => random.uniform());
          const filled = random.uniform();
          const mix = raw.map((value) => (value / raw.reduce((sum, each) => sum + each)) * filled);
          const terms = modules.map((each, t) => ({ module: each, weight: mix[t] }));
          const formula = served(
            base.data.map((value, i) => value + (1 - filled) * (shared[i] - value)),
            ...terms,
          );
          expect(maxDifference(served(shared, { module: expectFade(fade), weight: filled }, ...terms), formula)).toBeLessThan(1e-5);
          if (format !== 'fp32' || rank < 64) return;
          for (const [t, expert] of experts.entries()) {
            expect(maxDifference(served(shared, expectFade(fade), modules[t]), await readTheta(base, expert, matmulPlain))).toBeLessThan(
              2e-5,
            );
          }
        },
      ),
      { seed: 2, numRuns: 60 },
    );
  });
});

test('at full rank the shared model about the base is the method’s own', async () => {
  const random = createRandom(9);
  const base = randomTensor(random, [20, 14]);
  const experts = randomExperts(random, [20, 14], ['lora', 'dense']);
  const own = await mergeParameter('w', base, experts, settingsOf(2));
  const about = await mergeParameter('w', base, experts, settingsOf(2, { about: 'base' }));
  expect(maxDifference(about.shared, own.shared)).toBeLessThan(1e-5);
  expect(own.fade).toBeUndefined();
});

test('spectra are the singular values of what is compressed, the fade’s last', async () => {
  const random = createRandom(10);
  for (const kinds of [
    ['lora', 'lora'],
    ['lora', 'dense'],
  ]) {
    const base = randomTensor(random, [20, 14]);
    const experts = randomExperts(random, [20, 14], kinds);
    for (const about of ['shared', 'base'] as const) {
      const settings = settingsOf(2, { about });
      const spectra = await parameterSpectra('w', base, experts, settings, 14, about === 'base' ? [0, 1, 2] : [0, 1]);
      const { fade, module } = await mergeParameter('w', base, experts, settings);
      const modules = [await module(0), await module(1), ...(fade === undefined ? [] : [fade])];
      expect(spectra).toHaveLength(modules.length);
      for (const [t, { s, energy }] of spectra.entries()) {
        const product = served(new Float32Array(20 * 14), modules[t]);
        expect(energy).toBeCloseTo(
          product.reduce((sum, value) => sum + value * value, 0),
          3,
        );
        expect(s.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(energy, 6);
      }
    }
  }
});

test('oracle 10: adapters merged by their factors equal the same experts merged dense', async () => {
  const random = createRandom(5);
  const base = randomTensor(random, [40, 30]);
  const experts = [lora(random, [40, 30], 2), lora(random, [40, 30], 3), { kind: 'same' } as const];
  const folded = await Promise.all(experts.map(async (expert) => dense(floatTensor([40, 30], await readTheta(base, expert, matmulPlain)))));
  const settings = settingsOf(3, { rankOf: () => ({ rank: 4 }) });
  const factored = await mergeParameter('w', base, experts, settings);
  const full = await mergeParameter('w', base, folded, settings);
  expect(maxDifference(factored.shared, full.shared)).toBeLessThan(1e-5);
  for (const t of experts.keys()) {
    const [a, b] = [expectFactored(await factored.module(t)), expectFactored(await full.module(t))];
    expect(maxDifference(served(factored.shared, a), served(full.shared, b))).toBeLessThan(1e-3);
    expect(a.keptEnergy).toBeCloseTo(b.keptEnergy, 4);
  }
});

test('oracle 10: the average of two products is no product of averages; stacked factors are exact', async () => {
  const random = createRandom(8);
  const base = randomTensor(random, [20, 16]);
  const experts = [lora(random, [20, 16], 2), lora(random, [20, 16], 2)];
  const thetas = await Promise.all(experts.map((expert) => readTheta(base, expert, matmulPlain)));
  const average = thetas[0].map((value, i) => (value + thetas[1][i]) / 2);
  const { shared } = await mergeParameter('w', base, experts, settingsOf(2, { method: staticMethod('linear') }));
  expect(maxDifference(shared, average)).toBeLessThan(1e-5);
  const factors = await Promise.all(experts.map((expert) => (expert.kind === 'lora' ? expert.read() : Promise.reject(new Error('dense')))));
  const mean = (side: 'a' | 'b'): FloatTensor =>
    floatTensor(
      factors[0][side].shape,
      factors[0][side].data.map((value, i) => (value + factors[1][side].data[i]) / 2),
    );
  const averaged: ParameterSource = { kind: 'lora', rank: 2, read: () => Promise.resolve({ ...factors[0], a: mean('a'), b: mean('b') }) };
  expect(maxDifference(await readTheta(base, averaged, matmulPlain), average)).toBeGreaterThan(0.1);
});

test('oracle 4: a small matrix keeps a rank of at least 1 under any density', async () => {
  const random = createRandom(6);
  const base = randomTensor(random, [1, 48]);
  const { module } = await mergeParameter(
    'token_type',
    base,
    [dense(randomTensor(random, [1, 48]))],
    settingsOf(1, { rankOf: () => ({ density: 0.01 }) }),
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
  const { shared, module } = await mergeParameter(
    'w',
    base,
    [dense(theta)],
    settingsOf(1, { rankOf: () => ({ energy: 0.9 }), format: 'int8' }),
  );
  const stored = expectFactored(await module(0));
  expect(stored.keptEnergy).toBeGreaterThanOrEqual(0.9);
  const delta = theta.data.map((value, i) => value - shared[i]);
  const missed = served(shared, stored).map((value, i) => value - theta.data[i]);
  const norm = (values: Float32Array): number => Math.hypot(...values);
  expect(stored.error).toBeCloseTo(norm(missed) / norm(delta), 4);
});
