import { describe, expect, test } from 'vitest';
import { BuildConfig } from '../../src/contract/build-config.ts';
import { parseWith } from '../../src/contract/parse.ts';
import { resolveShared, type ResolvedShared } from '../../src/build/resolve-shared.ts';

function resolve(parameters: object, models: readonly object[] = [{}, {}]): ResolvedShared {
  const config = parseWith(
    BuildConfig,
    { merge_method: 'twin', base_model: 'b', models: models.map((model, i) => ({ name: `m${i}`, model: `m${i}`, ...model })), parameters },
    'config',
    'config',
  );
  return resolveShared({ parameters: config.parameters, models: config.models.map((model, i) => ({ ...model, name: `m${i}` })) });
}

describe('resolveShared', () => {
  test('defaults are those of the papers, not of mergekit', () => {
    const { method, parameters, expertParameters } = resolve({});
    expect(method.name).toBe('task_arithmetic');
    expect(parameters).toEqual({ lambda: 0.3, normalize: 0 });
    expect(expertParameters).toEqual([{ weight: 1 }, { weight: 1 }]);
  });

  test('a method with parameters: of the whole, of all experts, and of one', () => {
    const resolved = resolve({ shared: { method: 'ties', density: 0.4, normalize: false }, density: 0.5 }, [
      {},
      { parameters: { density: 1, weight: 2 } },
    ]);
    expect(resolved.parameters).toEqual({ lambda: 0.7, normalize: 0 });
    expect(resolved.expertParameters).toEqual([
      { weight: 1, density: 0.4 },
      { weight: 2, density: 1 },
    ]);
  });

  test('lambda beside shared is the method’s', () => {
    expect(resolve({ shared: 'ties', lambda: 2 }).parameters['lambda']).toBe(2);
  });

  test.each([
    ['an unknown method', { shared: 'tiees' }, [{}], 'shared'],
    ['an unknown parameter', { shared: { method: 'ties', gamma: 1 } }, [{}], 'parameters.shared.gamma'],
    ['a parameter that the method lacks', { shared: 'iso_c', lambda: 1 }, [{}], 'parameters.shared.lambda'],
    ['an unknown parameter of a model', {}, [{ parameters: { density: 1 } }], 'models[0].parameters.density'],
    ['a value out of range', { shared: { method: 'ties', density: 2 } }, [{}], 'parameters.shared.density'],
    ['too many models', { shared: 'slerp' }, [{}, {}, {}], 'models'],
    ['too few models', { shared: 'model_stock' }, [{}], 'models'],
  ])('refuses %s', (_, parameters, models, param) => {
    expect(() => resolve(parameters, models)).toThrow(expect.objectContaining({ code: 'config', param }));
  });
});
