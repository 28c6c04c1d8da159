// `twinroute merge` on tiny checkpoints: mergekit's YAML, adapters, shards, slices, and everything that is refused.

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MERGE_RECORD_FILE, MergeRecord } from '../../src/contract/merge-record.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { createRandom } from '../../src/core/random.ts';
import { sizeOf, type Tensor } from '../../src/core/tensor.ts';
import { openSafetensors } from '../../src/formats/safetensors.ts';
import { encodeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { openWeights } from '../../src/formats/weights.ts';
import { withFolder } from '../../src/host/with-folder.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { runCli } from '../helpers/run-cli.ts';
import { makeTinyModels, type TinyModels } from '../helpers/tiny-bert.ts';

const SHAPES: Readonly<Record<string, readonly number[]>> = {
  'model.embed_tokens.weight': [10, 4],
  ...Object.fromEntries(Array.from({ length: 3 }, (_, l) => [`model.layers.${l}.mlp.weight`, [6, 4]])),
  ...Object.fromEntries(Array.from({ length: 3 }, (_, l) => [`model.layers.${l}.norm.weight`, [4]])),
  'model.norm.weight': [4],
  'lm_head.weight': [10, 4],
};

let dir: string;
const at = (name: string): string => join(dir, name);

/** A checkpoint without an architecture that anybody knows, with a buffer of whole numbers. */
async function makeModel(name: string, seed: number, shapes = SHAPES, scale = 1): Promise<void> {
  const random = createRandom(seed);
  const tensors = Object.entries(shapes).map(([key, shape]): [string, Tensor] => [
    key,
    { dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, () => scale * random.normal()) },
  ]);
  const ids: Tensor = { dtype: 'int64', shape: [2], data: BigInt64Array.of(7n, 9n) };
  await mkdir(at(name));
  await writeFile(join(at(name), 'model.safetensors'), encodeSafetensors(Object.fromEntries([...tensors, ['position_ids', ids] as const])));
  await writeFile(
    join(at(name), 'config.json'),
    JSON.stringify({ model_type: 'unheard-of', num_hidden_layers: 3, torch_dtype: 'float32', kept: true }),
  );
  await writeFile(join(at(name), 'tokenizer.json'), JSON.stringify({ of: name }));
  await writeFile(join(at(name), 'README.md'), `---\nlicense: mit\n---\n${name}`);
}

let counter = 0;

/** A config as text; models by their names in `dir` where they are no paths. */
function spell(config: object | string): string {
  if (typeof config === 'string') return config;
  const isName = (key: string, value: unknown): value is string =>
    (key === 'model' || key === 'base_model') && !String(value).includes('/');
  return JSON.stringify(config, (key, value: unknown) => (isName(key, value) ? at(value) : value));
}

/** Merges a config. */
async function merge(config: object | string, ...args: string[]): Promise<{ out: string; code: number; log: string; json: string }> {
  const file = at(`${++counter}.yaml`);
  const out = at(`out-${counter}`);
  await writeFile(file, spell(config));
  const run = await runCli('merge', file, out, '--engine', 'wasm', ...args);
  return { out, code: run.code, log: run.err, json: run.out };
}

async function read(folder: string): Promise<ReadonlyMap<string, Float32Array>> {
  return withFolder(folder, async (source) => {
    const weights = await openWeights(source, 'model');
    const floats = weights.names.filter((name) => name !== 'position_ids');
    return new Map(
      await Promise.all(floats.map(async (name): Promise<[string, Float32Array]> => [name, (await weights.readFloat(name)).data])),
    );
  });
}

/** Largest difference of a merge from what a formula over entries gives. */
async function worst(
  out: string,
  models: readonly string[],
  formula: (values: readonly number[], name: string) => number,
): Promise<number> {
  const merged = await read(out);
  const sources = await Promise.all(models.map((model) => read(at(model))));
  return Math.max(
    ...[...merged].map(([name, values]) => {
      const inputs = sources.map((source) => source.get(name) ?? new Float32Array());
      return maxDifference(
        values,
        values.map((_, i) =>
          formula(
            inputs.map((input) => input[i]),
            name,
          ),
        ),
      );
    }),
  );
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twinroute-merge-'));
  await Promise.all([makeModel('base', 1), makeModel('a', 2), makeModel('b', 3)]);
});

afterAll(() => rm(dir, { recursive: true, force: true }));

const about = (method: string, rest: object = {}): object => ({
  merge_method: method,
  base_model: 'base',
  models: [{ model: 'base' }, { model: 'a', parameters: { weight: 0.5 } }, { model: 'b', parameters: { weight: 0.25 } }],
  ...rest,
});

describe('a merge', () => {
  test('task_arithmetic with mergekit’s λ of 1; a base among the models is no expert; buffers, config, tokenizer and card', async () => {
    const { out, code } = await merge(about('task_arithmetic'));
    expect(code).toBe(0);
    expect(await worst(out, ['base', 'a', 'b'], ([base, a, b]) => base + 0.5 * (a - base) + 0.25 * (b - base))).toBeLessThan(1e-6);
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toEqual({
      model_type: 'unheard-of',
      num_hidden_layers: 3,
      torch_dtype: 'float32',
      kept: true,
    });
    expect(await readFile(join(out, 'tokenizer.json'), 'utf8')).toBe('{"of":"base"}');
    const card = await readFile(join(out, 'README.md'), 'utf8');
    expect(card).toMatch(/^---\nlicense: mit\n/);
    expect(card).toContain('merge_method');
    const file = await withFolder(out, async (folder) => {
      const source = await folder.open('model.safetensors');
      return source === undefined ? undefined : (await openSafetensors(source)).read('position_ids');
    });
    expect(file).toEqual({ dtype: 'int64', shape: [2], data: BigInt64Array.of(7n, 9n) });
  });

  test('the record states hashes, licences, the YAML and every file; the same merge gives the same bytes', async () => {
    const config = about('dare_ties', { parameters: { density: 0.5 } });
    const first = await merge(config, '--seed', '3', '--json');
    const record = parseJsonWith(MergeRecord, await readFile(join(first.out, MERGE_RECORD_FILE), 'utf8'), 'record', 'format');
    expect(JSON.parse(first.json)).toEqual(record);
    expect(record).toMatchObject({ method: 'dare_ties', seed: 3, engine: 'none', config: spell(config), tensors: 10 });
    expect(record.models.map(({ model, kind, provenance }) => [model, kind, provenance.license])).toEqual(
      ['base', 'a', 'b'].map((name) => [at(name), 'full', 'mit']),
    );
    expect(Object.keys(record.files)).toEqual(['README.md', 'config.json', 'model.safetensors', 'tokenizer.json']);
    const bytes = (out: string): Promise<Buffer> => readFile(join(out, 'model.safetensors'));
    const again = await merge({ ...config, random_seed: 3 });
    expect(await bytes(again.out)).toEqual(await bytes(first.out));
    const other = await merge(config, '--seed', '4');
    expect((await bytes(other.out)).equals(await bytes(first.out))).toBe(false);
  });

  test('gradients over layers and filters on names', async () => {
    const { out } = await merge({
      merge_method: 'linear',
      models: [
        { model: at('a'), parameters: { weight: [{ filter: 'mlp', value: [0, 1] }, { value: 0.25 }] } },
        { model: at('b'), parameters: { weight: [{ filter: 'mlp', value: [1, 0] }, { value: 0.75 }] } },
      ],
    });
    const share = (name: string): number => (name.includes('mlp') ? Number(name.split('.')[2]) / 2 : 0.25);
    expect(await worst(out, ['a', 'b'], ([a, b], name) => share(name) * a + (1 - share(name)) * b)).toBeLessThan(1e-6);
  });

  test('slerp: the base is one of the two, and t goes from it to the other', async () => {
    const config = { merge_method: 'slerp', base_model: at('a'), models: [{ model: at('b') }, { model: at('a') }] };
    expect(await worst((await merge({ ...config, parameters: { t: 0 } })).out, ['a'], ([a]) => a)).toBeLessThan(1e-6);
    expect(await worst((await merge({ ...config, parameters: { t: 1 } })).out, ['b'], ([b]) => b)).toBeLessThan(1e-6);
  });

  test('dtype and out_dtype set what is stored, and config.json says it', async () => {
    const { out } = await merge(about('linear', { dtype: 'float32', out_dtype: 'bfloat16' }));
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({ torch_dtype: 'bfloat16' });
    const types = await withFolder(out, async (source) => {
      const weights = await openWeights(source, 'model');
      return new Set(weights.names.map((name) => weights.dtype(name)));
    });
    expect(types).toEqual(new Set(['BF16', 'I64']));
  });

  test('shards with an index hold the same tensors, and are read like one file', async () => {
    const wide = { big: [500, 600], 'model.layers.0.w': [500, 600], small: [3] };
    await Promise.all([makeModel('wide-a', 4, wide), makeModel('wide-b', 5, wide)]);
    const config = (first: string): object => ({ merge_method: 'linear', models: [{ model: first }, { model: at('wide-b') }] });
    const whole = await merge(config(at('wide-a')));
    const cut = await merge(config(at('wide-a')), '--shard-size', '2');
    expect((await readdir(cut.out)).filter((file) => file.startsWith('model'))).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
    expect(await read(cut.out)).toEqual(await read(whole.out));
    // A sharded input.
    const again = await merge(config(cut.out));
    expect(again.code).toBe(0);
    expect(await worst(again.out, ['wide-a', 'wide-b'], ([a, b]) => 0.25 * a + 0.75 * b)).toBeLessThan(1e-6);
  });

  test('slices stack layers of several models; ends come from the first and the last', async () => {
    const { out } = await merge({
      merge_method: 'passthrough',
      slices: [
        { sources: [{ model: at('a'), layer_range: [0, 2] }] },
        { sources: [{ model: at('b'), layer_range: [1, 3], parameters: { scale: 0.5 } }] },
      ],
    });
    const [merged, a, b] = await Promise.all([read(out), read(at('a')), read(at('b'))]);
    const half = (values: Float32Array | undefined): Float32Array => (values ?? new Float32Array()).map((value) => value / 2);
    expect(merged.get('model.layers.1.mlp.weight')).toEqual(a.get('model.layers.1.mlp.weight'));
    expect(merged.get('model.layers.2.mlp.weight')).toEqual(half(b.get('model.layers.1.mlp.weight')));
    expect(merged.get('model.layers.3.norm.weight')).toEqual(half(b.get('model.layers.2.norm.weight')));
    expect(merged.get('model.embed_tokens.weight')).toEqual(a.get('model.embed_tokens.weight'));
    expect(merged.get('lm_head.weight')).toEqual(half(b.get('lm_head.weight')));
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({ num_hidden_layers: 4 });
  });
});

describe('adapters and classifiers over a bare encoder', () => {
  let tiny: TinyModels;
  beforeAll(async () => {
    tiny = await makeTinyModels({
      experts: [
        { name: 'lora', kind: 'lora' },
        { name: 'full', kind: 'full' },
      ],
    });
  });
  afterAll(() => tiny.remove());

  test('merge under the base’s names; an adapter counts as base + scaling·B·A; heads are left out, and said to be', async () => {
    const config = {
      merge_method: 'task_arithmetic',
      base_model: tiny.base,
      models: [{ model: tiny.experts['lora'] }, { model: tiny.experts['full'], parameters: { weight: 2 } }],
    };
    const { out, log, code } = await merge(config);
    expect(code).toBe(0);
    expect(log).toMatch(/full: 2 tensors that .*base lacks are left out: classifier.bias, classifier.weight/);
    const name = 'encoder.layer.1.attention.self.query.weight';
    const [merged, base, full] = await Promise.all([read(out), read(tiny.base), read(tiny.experts['full'])]);
    const [a, b] = await withFolder(tiny.experts['lora'], async (folder) => {
      const weights = await openWeights(folder, 'adapter_model');
      const factor = (letter: string): Promise<{ data: Float32Array }> =>
        weights.readFloat(`base_model.model.bert.${name.replace('weight', `lora_${letter}.weight`)}`);
      return [(await factor('A')).data, (await factor('B')).data];
    });
    const width = 16;
    const expected = (base.get(name) ?? new Float32Array()).map((value, i) => {
      const [row, col] = [Math.floor(i / width), i % width];
      const lora = 2 * (b[row * 2] * a[col] + b[row * 2 + 1] * a[width + col]); // alpha 4 / rank 2
      return value + lora + 2 * ((full.get(`bert.${name}`)?.[i] ?? 0) - value);
    });
    expect(maxDifference(merged.get(name) ?? [], expected)).toBeLessThan(1e-5);
    expect(merged.has('classifier.weight')).toBe(false);
  });

  test('base+adapter names an adapter of another model than the base', async () => {
    const spelt = await merge({ merge_method: 'linear', models: [{ model: `${tiny.base}+${tiny.experts['lora']}` }] });
    expect(spelt.code).toBe(0);
    const implied = await merge({ merge_method: 'passthrough', base_model: tiny.base, models: [{ model: tiny.experts['lora'] }] });
    const [one, other] = await Promise.all([read(implied.out), read(spelt.out)]);
    for (const [name, values] of one) expect(other.get(name)).toEqual(values);
    // Where the adapted model itself gives the tensors, its head is among them.
    expect([...other.keys()].filter((name) => !one.has(name))).toEqual(['classifier.bias', 'classifier.weight']);
    expect(await merge({ merge_method: 'linear', models: [{ model: tiny.experts['lora'] }] })).toMatchObject({
      code: 1,
      log: expect.stringMatching(/expected a base_model for this adapter/),
    });
  });
});

describe('notices', () => {
  test('keys of mergekit that have no part in the merge are told of, once each', async () => {
    const { code, log, out } = await merge(
      about('task_arithmetic', {
        tokenizer_source: 'base',
        chat_template: 'auto',
        parameters: { int8_mask: true, density: 0.5, normalize: false },
      }),
    );
    expect(code).toBe(0);
    const notices = log.split('\n').filter((line) => line.startsWith('notice:'));
    expect(notices).toEqual([
      expect.stringMatching(/^notice: int8_mask is ignored/),
      expect.stringMatching(/^notice: density is ignored: it has no part in task_arithmetic/),
      expect.stringMatching(/^notice: chat_template is ignored/),
    ]);
    expect(await readFile(join(out, 'README.md'), 'utf8')).toContain('int8_mask is ignored');
  });
});

describe('what is refused', () => {
  test.each([
    ['an unknown key', { ...about('ties'), merge_methods: 1 }, /merge_methods/],
    ['an unknown method', about('tiees'), /merge method: expected one of .*ties/],
    [
      'an unknown parameter',
      about('ties', { parameters: { densty: 1 } }),
      /parameters.densty: expected one of lambda, normalize, weight, density/,
    ],
    [
      'a value out of range inside a gradient',
      about('ties', { parameters: { density: [0.1, 1.5] } }),
      /parameters.density: expected a number from 0 to 1, got 1.5/,
    ],
    [
      'a parameter of the whole for one model',
      { merge_method: 'ties', base_model: 'base', models: [{ model: 'a', parameters: { lambda: 1 } }] },
      /models\[0\].parameters.lambda/,
    ],
    ['a union without vocabularies', about('ties', { tokenizer_source: 'union' }), /expected a tokenizer.json with a vocabulary/],
    ['models and slices', { ...about('ties'), slices: [{ sources: [{ model: 'a', layer_range: [0, 1] }] }] }, /either models or slices/],
    ['neither', { merge_method: 'linear', base_model: 'base' }, /either models or slices/],
    ['a missing base', { merge_method: 'ties', models: [{ model: 'a' }] }, /base_model: expected a model for ties/],
    [
      'too many models',
      { merge_method: 'slerp', base_model: 'base', models: [{ model: 'a' }, { model: 'b' }] },
      /slerp: expected 2 models beside the base, got 3/,
    ],
    ['too few models', { merge_method: 'model_stock', base_model: 'base', models: [{ model: 'a' }] }, /model_stock: expected at least 2/],
    [
      'slices of unlike length',
      {
        merge_method: 'linear',
        slices: [
          {
            sources: [
              { model: 'a', layer_range: [0, 2] },
              { model: 'b', layer_range: [0, 1] },
            ],
          },
        ],
      },
      /equally many layers, got 2, 1/,
    ],
    [
      'layers that are not there',
      { merge_method: 'passthrough', slices: [{ sources: [{ model: 'a', layer_range: [2, 5] }] }] },
      /missing layer 3/,
    ],
    ['a model that is not there', { merge_method: 'linear', models: [{ model: 'nowhere' }] }, /nowhere: expected a folder, got nothing/],
    ['YAML that does not parse', 'merge_method: [', /1.yaml|yaml/],
  ])('%s', async (_, config, message) => {
    const { code, log, out } = await merge(config);
    expect(code).toBe(1);
    expect(log).toMatch(message);
    expect(await readdir(dir)).not.toContain(out.split('/').at(-1));
  });

  test('tensors that do not fit, by name and shape', async () => {
    await makeModel('odd', 6, { ...SHAPES, 'lm_head.weight': [11, 4] });
    const { 'model.norm.weight': _, ...less } = SHAPES;
    await makeModel('less', 7, less);
    const models = (name: string): object => ({ merge_method: 'linear', models: [{ model: at('a') }, { model: at(name) }] });
    expect((await merge(models('odd'))).log).toMatch(
      /odd: expected a model that fits its base, got: lm_head.weight should be \[10, 4\], is \[11, 4\]/,
    );
    expect((await merge(models('less'))).log).toMatch(/missing model.norm.weight/);
  });

  test('results beyond float16, and folders that are no merge', async () => {
    await makeModel('large', 8, SHAPES, 1e6);
    const config = (dtype: string): object => ({ merge_method: 'linear', models: [{ model: 'large' }], dtype });
    expect((await merge(config('float16'))).log).toMatch(/expected merged weights that fit F16, got -?\d/);
    expect((await merge(config('bfloat16'))).code).toBe(0);
    const { log, code } = await runCli('merge', at('1.yaml'), at('a')).then(({ err, code: exit }) => ({ log: err, code: exit }));
    expect(code).toBe(1);
    expect(log).toMatch(/expected an empty folder or one that twinroute made/);
  });

  test('an earlier merge is replaced; a failed one leaves it as it was', async () => {
    const file = at('replace.yaml');
    await writeFile(file, spell(about('linear')));
    const out = at('replaced');
    expect((await runCli('merge', file, out)).code).toBe(0);
    expect((await runCli('merge', file, out)).code).toBe(0);
    const before = await readdir(out);
    await cp(at('a'), at('broken'), { recursive: true });
    const weights = await readFile(join(at('broken'), 'model.safetensors'));
    weights.fill(0xff, weights.length - 40);
    await writeFile(join(at('broken'), 'model.safetensors'), weights);
    await writeFile(file, JSON.stringify({ merge_method: 'linear', models: [{ model: at('a') }, { model: at('broken') }] }));
    const { code, err } = await runCli('merge', file, out);
    expect(code).toBe(1);
    expect(err).toMatch(/expected finite values/);
    expect(await readdir(out)).toEqual(before);
    expect((await readdir(dir)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
