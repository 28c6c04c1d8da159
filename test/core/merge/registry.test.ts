// The contract that every static method keeps, over the whole registry, and what each linear one is.

import { describe, expect, test } from 'vitest';
import { matmulPlain } from '../../../src/core/linalg/matmul.ts';
import { truncatedSvd } from '../../../src/core/linalg/svd.ts';
import {
  type ParameterSpec,
  type StaticMethod,
  type TensorContext,
  addScaled,
  checkExpertCount,
  mergeTensor,
  resolveParameters,
} from '../../../src/core/merge/method.ts';
import { STATIC_METHODS, staticMethod } from '../../../src/core/merge/registry.ts';
import { createRandom } from '../../../src/core/random.ts';
import { gaussian, rebuild, worstDifference } from '../linalg/matrices.ts';

/** Methods that draw. */
const RANDOM = ['dare_linear', 'dare_ties', 'della', 'della_linear'];
/** Methods whose experts have places. */
const ORDERED = ['slerp', 'nuslerp'];

function countFor({ experts }: StaticMethod): number {
  return Math.min(experts.max, 3);
}

/** Random experts; `keepAll` turns sparsifying and scaling off. */
function contextOf(method: StaticMethod, shape: readonly number[], experts = countFor(method), seed = 1, keepAll = false): TensorContext {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const off = (table: Readonly<Record<string, ParameterSpec>>): Record<string, number> =>
    keepAll ? Object.fromEntries(Object.entries({ lambda: 1, density: 1, gamma: 0 }).filter(([name]) => Object.hasOwn(table, name))) : {};
  return {
    name: 'layer.weight',
    shape,
    base: gaussian(1, size, seed).data,
    vectors: Array.from({ length: experts }, (_, t) => gaussian(1, size, seed + t + 1).data),
    parameters: resolveParameters(method.parameters, off(method.parameters), 'parameters'),
    experts: Array.from({ length: experts }, (_, t) =>
      resolveParameters(method.expertParameters, off(method.expertParameters), `models[${t}].parameters`),
    ),
    random: createRandom(seed, 'layer.weight'),
    matmul: matmulPlain,
  };
}

describe.each(STATIC_METHODS.map((method) => [method.name, method] as const))('%s', (name, method) => {
  const parameters: [string, ParameterSpec][] = Object.entries({ ...method.parameters, ...method.expertParameters });

  test('is found by its name, says its source, and its defaults are in range', () => {
    expect(staticMethod(name)).toBe(method);
    expect(method.source.length).toBeGreaterThan(0);
    for (const [, spec] of parameters) {
      for (const value of [spec.default, spec.mergekit ?? spec.default]) {
        expect(value).toBeGreaterThanOrEqual(spec.min);
        expect(value).toBeLessThanOrEqual(spec.max);
      }
      expect(spec.meaning).not.toBe('');
    }
  });

  test('no parameter of the whole merge has the name of one of an expert', () => {
    expect(Object.keys(method.parameters).filter((key) => Object.hasOwn(method.expertParameters, key))).toEqual([]);
  });

  test.each(parameters)('parameter %s: a value out of range is refused by name', (key, spec) => {
    const table = Object.hasOwn(method.parameters, key) ? method.parameters : method.expertParameters;
    for (const value of spec.flag === true ? [0.5, 2] : [spec.min - 1, spec.max + 1, Number.NaN, true])
      expect(() => resolveParameters(table, { [key]: value }, 'parameters')).toThrow(
        expect.objectContaining({ code: 'config', param: `parameters.${key}` }),
      );
    expect(resolveParameters(table, { [key]: spec.flag === true ? true : spec.max }, 'parameters')[key]).toBe(spec.max);
  });

  test('a number of experts that the rule has no meaning for is refused', () => {
    const { min, max } = method.experts;
    expect(() => checkExpertCount(method, min)).not.toThrow();
    for (const count of [min - 1, ...(max === Infinity ? [] : [max + 1])])
      expect(() => checkExpertCount(method, count)).toThrow(/models beside the base/);
  });

  test.each([[[]], [[12]], [[4, 6]], [[1, 8]], [[8, 1]], [[2, 3, 4]], [[0, 4]]])(
    'shape %j: finite, of the same length, the base untouched, repeatable',
    async (shape) => {
      const context = contextOf(method, shape);
      const before = context.base.slice();
      const merged = await mergeTensor(method, context);
      expect(merged.length).toBe(context.base.length);
      expect(merged).not.toBe(context.base);
      expect(context.base).toEqual(before);
      expect(await mergeTensor(method, contextOf(method, shape))).toEqual(merged);
    },
  );

  test('zero task vectors give the base back', async () => {
    const context = contextOf(method, [4, 6]);
    const merged = await mergeTensor(method, { ...context, vectors: context.vectors.map((vector) => vector.map(() => 0)) });
    expect(worstDifference(merged, context.base)).toBeLessThan(name === 'slerp' ? 1e-6 : 1e-30);
  });

  test('identical experts, nothing dropped or scaled: the expert, or what the rule makes of it', async () => {
    const context = contextOf(method, [6, 9], countFor(method), 1, true);
    const [vector] = context.vectors;
    const count = context.vectors.length;
    const { u, s, vt } = truncatedSvd({ rows: 6, cols: 9, data: vector }, 6);
    const truncated = (keep: number, flat?: number): Float64Array =>
      rebuild({ u, s: s.map((value, i) => (i < keep ? (flat ?? value) : 0)), vt, energy: 0 }).data;
    const mean = s.reduce((sum, value) => sum + value, 0) / s.length;
    const others: Record<string, ArrayLike<number>> = {
      // Sums, not averages.
      task_arithmetic: vector.map((value) => count * value),
      dare_linear: vector.map((value) => count * value),
      dare_ties: vector.map((value) => count * value),
      della_linear: vector.map((value) => count * value),
      breadcrumbs: vector.map((value) => count * value),
      breadcrumbs_ties: vector.map((value) => count * value),
      // A third of the directions, once.
      tsv: truncated(2),
      // All directions at the mean of the sum's values.
      iso_c: truncated(6, count * mean),
    };
    const expected = context.base.map((value, i) => value + (others[name] ?? vector)[i]);
    const merged = await mergeTensor(method, { ...context, vectors: context.vectors.map(() => vector.slice()) });
    expect(worstDifference(merged, expected)).toBeLessThan(1e-5);
  });

  const matters = ORDERED.includes(name) || RANDOM.includes(name);
  test(`the order of experts ${matters ? 'matters' : 'does not matter'}`, async () => {
    const { vectors, experts, ...rest } = contextOf(method, [5, 7]);
    const weighted = experts.map((expert, t) => ('weight' in expert ? { ...expert, weight: t + 1 } : expert));
    const parameters = 't' in rest.parameters ? { ...rest.parameters, t: 0.2 } : rest.parameters;
    const run = (backwards: boolean): Promise<Float32Array> => {
      const order = <T>(items: readonly T[]): T[] => (backwards ? items.toReversed() : [...items]);
      const swapped = name === 'nuslerp' ? weighted : order(weighted); // its weights are of places
      return mergeTensor(method, {
        ...rest,
        parameters,
        vectors: order(vectors.map((vector) => vector.slice())),
        experts: swapped,
        random: createRandom(1),
      });
    };
    const difference = worstDifference(await run(false), await run(true));
    expect(matters ? difference > 1e-3 : difference < 2e-6).toBe(true);
  });

  test('a result that is not finite is an error that names the tensor', async () => {
    const context = contextOf(method, [4, 6]);
    context.vectors[0][3] = Infinity;
    await expect(
      mergeTensor(method, { ...context, experts: contextOf(method, [4, 6], countFor(method), 1, true).experts }),
    ).rejects.toMatchObject({
      code: 'numeric',
    });
  });
});

describe('task_arithmetic and linear', () => {
  const coefficients = (name: string, parameters: Record<string, number>, weights: readonly number[]): number[] => {
    const method = staticMethod(name);
    if (method.kind !== 'linear') throw new Error(name);
    return method.coefficients(
      resolveParameters(method.parameters, parameters, 'parameters'),
      weights.map((weight) => resolveParameters(method.expertParameters, { weight }, 'models[0].parameters')),
    );
  };
  test('oracle 5: Task Arithmetic with λ = 1/T is the average of the experts', async () => {
    const make = (): TensorContext => contextOf(staticMethod('linear'), [5, 4], 4);
    const context = make();
    const average = context.base.map((value, i) => value + context.vectors.reduce((sum, vector) => sum + vector[i], 0) / 4);
    const taskArithmetic = await mergeTensor(staticMethod('task_arithmetic'), { ...make(), parameters: { lambda: 1 / 4, normalize: 0 } });
    expect(await mergeTensor(staticMethod('linear'), make())).toEqual(taskArithmetic);
    expect(worstDifference(taskArithmetic, average)).toBeLessThan(1e-6);
  });

  test('coefficients', () => {
    expect(coefficients('task_arithmetic', {}, [1, 1])).toEqual([0.3, 0.3]);
    expect(coefficients('task_arithmetic', { lambda: 0.5 }, [1, 2])).toEqual([0.5, 1]);
    expect(coefficients('linear', {}, [1, 3])).toEqual([0.25, 0.75]);
    expect(() => coefficients('linear', {}, [1, -1])).toThrow(/sum is not 0/);
  });

  test('addScaled sums in f64: a cancelling pair leaves the small term', () => {
    const merged = addScaled(Float32Array.of(1), [Float32Array.of(1e8), Float32Array.of(1e8), Float32Array.of(0.25)], [1, -1, 1]);
    expect([...merged]).toEqual([1.25]);
  });
});

describe('what is refused', () => {
  test('an unknown method, with the known ones', () => {
    expect(() => staticMethod('tiees')).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringContaining('task_arithmetic, linear') }),
    );
  });

  test.each([
    ['an unknown parameter', { lamda: 1 }, 'parameters.lamda'],
    ['one of the prototype', { constructor: 1 }, 'parameters.constructor'],
    ['a value out of range', { lambda: 11 }, 'parameters.lambda'],
    ['NaN', { lambda: NaN }, 'parameters.lambda'],
  ])('%s', (_, given, param) => {
    const table = staticMethod('task_arithmetic').parameters;
    expect(() => resolveParameters(table, given, 'parameters')).toThrow(expect.objectContaining({ code: 'config', param }));
  });

  test('undefined is the default', () => {
    expect(resolveParameters(staticMethod('task_arithmetic').parameters, { lambda: undefined }, 'parameters')).toEqual({
      lambda: 0.3,
      normalize: 0,
    });
  });
});
