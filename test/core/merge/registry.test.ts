// The contract that every static method keeps, over the whole registry, and what each linear one is.

import { describe, expect, test } from 'vitest';
import { matmulPlain } from '../../../src/core/linalg/matmul.ts';
import { type StaticMethod, type TensorContext, addScaled, mergeTensor, resolveParameters } from '../../../src/core/merge/method.ts';
import { STATIC_METHODS, staticMethod } from '../../../src/core/merge/registry.ts';
import { createRandom } from '../../../src/core/random.ts';
import { gaussian, worstDifference } from '../linalg/matrices.ts';

function contextOf(method: StaticMethod, shape: readonly number[], experts = 3, seed = 1): TensorContext {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return {
    name: 'layer.weight',
    shape,
    base: gaussian(1, size, seed).data,
    vectors: Array.from({ length: experts }, (_, t) => gaussian(1, size, seed + t + 1).data),
    parameters: resolveParameters(method.parameters, {}, 'parameters'),
    experts: Array.from({ length: experts }, (_, t) => resolveParameters(method.expertParameters, {}, `models[${t}].parameters`)),
    random: createRandom(seed, 'layer.weight'),
    matmul: matmulPlain,
  };
}

describe.each(STATIC_METHODS.map((method) => [method.name, method] as const))('%s', (name, method) => {
  test('is found by its name, says its source, and its defaults are in range', () => {
    expect(staticMethod(name)).toBe(method);
    expect(method.source.length).toBeGreaterThan(0);
    for (const spec of [...Object.values(method.parameters), ...Object.values(method.expertParameters)]) {
      expect(spec.default).toBeGreaterThanOrEqual(spec.min);
      expect(spec.default).toBeLessThanOrEqual(spec.max);
      expect(spec.meaning).not.toBe('');
    }
  });

  test.each([[[12]], [[4, 6]], [[1, 8]], [[8, 1]]])(
    'shape %j: fresh, finite, of the same length, inputs untouched, repeatable',
    async (shape) => {
      const context = contextOf(method, shape);
      const before = [context.base, ...context.vectors].map((values) => values.slice());
      const merged = await mergeTensor(method, context);
      expect(merged.length).toBe(context.base.length);
      expect(merged).not.toBe(context.base);
      expect([context.base, ...context.vectors]).toEqual(before);
      expect(await mergeTensor(method, contextOf(method, shape))).toEqual(merged);
    },
  );

  test('zero task vectors give the base back', async () => {
    const context = contextOf(method, [4, 6]);
    const merged = await mergeTensor(method, { ...context, vectors: context.vectors.map((vector) => vector.map(() => 0)) });
    expect(worstDifference(merged, context.base)).toBe(0);
  });

  test('a result that is not finite is an error that names the tensor', async () => {
    const context = contextOf(method, [4, 6]);
    context.vectors[0][3] = Infinity;
    await expect(mergeTensor(method, context)).rejects.toMatchObject({ code: 'numeric', param: 'layer.weight' });
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

  // Oracle 5 of reference/merging.md.
  test('Task Arithmetic with λ = 1/T is the average of the experts', async () => {
    const context = contextOf(staticMethod('linear'), [5, 4], 4);
    const average = context.base.map((value, i) => value + context.vectors.reduce((sum, vector) => sum + vector[i], 0) / 4);
    const taskArithmetic = await mergeTensor(staticMethod('task_arithmetic'), { ...context, parameters: { lambda: 1 / 4 } });
    expect(await mergeTensor(staticMethod('linear'), context)).toEqual(taskArithmetic);
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
    expect(resolveParameters(staticMethod('task_arithmetic').parameters, { lambda: undefined }, 'parameters')).toEqual({ lambda: 0.3 });
  });
});
