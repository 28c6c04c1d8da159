import { describe, expect, test } from 'vitest';
import { metricOf } from '../../../src/cli/search/metrics.ts';
import { configOf, readSearch, withValues } from '../../../src/cli/search/search-file.ts';

const TWIN = {
  merge_method: 'twin',
  base_model: 'base',
  models: [{ name: 'a.b', model: 'x' }, { model: 'folder/cola/' }],
  parameters: { shared: 'ties', rank: 4 },
};
const SEARCH = { objectives: ['normalised.oracle', 'extra_bytes'], budget: 4 };

const read = (space: object, config: object = TWIN, search: object = SEARCH) =>
  readSearch(JSON.stringify({ ...config, search: { ...search, space } }), 'x.yaml');

describe('values go where their path leads', () => {
  test('into parameters, into a model by its name or folder, and into the shared method by its short form', () => {
    const search = read({
      'parameters.rank': { min: 1, max: 8, integer: true },
      'models.a.b.parameters.weight': [0, 2],
      'models.cola.parameters.weight': [0, 2],
      'parameters.shared.density': [0.1, 1],
    });
    expect(withValues(search, [3, 0.5, 1.5, 0.7])).toEqual({
      ...TWIN,
      models: [
        { name: 'a.b', model: 'x', parameters: { weight: 0.5 } },
        { model: 'folder/cola/', parameters: { weight: 1.5 } },
      ],
      parameters: { shared: { method: 'ties', density: 0.7 }, rank: 3 },
    });
    expect(configOf(search, [3, 0.5, 1.5, 0.7]).models.map(({ name }) => name)).toEqual(['a.b', 'cola']);
    // The file's own config is left as it was.
    expect(search.raw).toEqual(TWIN);
  });

  test('a static config becomes a shared model, with the defaults of mergekit files', () => {
    const merge = { merge_method: 'ties', base_model: 'base', models: [{ model: 'x' }, { model: 'y' }], parameters: { weight: 1 } };
    const search = read({ 'parameters.density': [0.1, 1] }, merge, { objectives: ['normalised.shared'], budget: 2 });
    expect(configOf(search, [0.4]).parameters.shared).toEqual({ method: 'ties', lambda: 1, weight: 1, density: 0.4 });
  });
});

describe('refused before any work', () => {
  test.each([
    ['no space', {}, /at least one dimension/],
    ['a parameter that there is not', { 'parameters.lamda': [0, 1] }, /lamda/],
    ['a model that there is not', { 'models.sst2.parameters.weight': [0, 1] }, /expected the name of a model/],
    ['a number that has to be whole', { 'parameters.rank': [1, 2.5] }, /rank/],
    ['bounds in the wrong order', { 'parameters.lambda': [1, 0] }, /lower bound/],
    ['a prototype', { '__proto__.x': [0, 1] }, /expected names/],
    ['an end out of range', { 'parameters.lambda': [0, 11] }, /lambda/],
    ["an end out of the method's range", { 'models.cola.parameters.weight': [0, 11] }, /expected a number from -10 to 10, got 11/],
  ])('%s', (_, space, message) => {
    expect(() => read(space)).toThrow(message);
  });

  test('a config without the section, and one that only merge can do', () => {
    expect(() => readSearch(JSON.stringify(TWIN), 'x.yaml')).toThrow(/expected a config with a section "search"/);
    expect(() => read({ 'parameters.t': [0, 1] }, { merge_method: 'slerp', base_model: 'b', models: [{ model: 'x' }] })).toThrow(/slerp/);
  });
});

describe('metrics', () => {
  const measurement = {
    tasks: { a: { oracle: 0.4 }, b: { oracle: 0.9 }, c: { oracle: 0.1 } },
    sets: { 's.1': { shared: 0.25 } },
    pack_bytes: 10,
    extra_bytes: 4,
  };
  const individual = { a: 0.5, b: 0.9, c: 0 };

  test.each([
    ['normalised.oracle', 90],
    ['worst.oracle', 80],
    ['tasks.b.oracle', 0.9],
    ['sets.s.1.shared', 0.25],
    ['extra_bytes', 4],
  ])('%s', (name, value) => {
    expect(metricOf(name).read(measurement, individual)).toBeCloseTo(value, 12);
  });

  test('what was not measured is an error, and so is a name that there is not', () => {
    expect(() => metricOf('normalised.routed').read(measurement, individual)).toThrow(/expected a measured number/);
    for (const name of ['normalised', 'tasks.oracle', 'speed', 'worst.best']) expect(() => metricOf(name)).toThrow(/expected a metric/);
  });
});
