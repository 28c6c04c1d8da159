import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseBertConfig } from '../../src/contract/hf-config.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { openBase, openExpert, type Base, type ExpertSource } from '../../src/formats/checkpoint.ts';
import type { ModelLayout } from '../../src/formats/fit.ts';
import { bytesSource } from '../../src/formats/memory-source.ts';
import { encodeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { openSafetensors } from '../../src/formats/safetensors.ts';
import { openFolder, type HostFolder } from '../../src/host/files.ts';
import { bert } from '../../src/model/bert.ts';
import { hasShared, sharedPath } from '../helpers/shared.ts';
import { makeTinyModels, type TinyModels } from '../helpers/tiny-bert.ts';

function layoutOf(value: unknown): ModelLayout {
  const config = parseBertConfig(value, 'config.json');
  return { type: 'bert', config: { ...config }, prefixes: bert.prefixes, parameters: bert.parameters(config), width: config.hidden_size };
}

type Tensors = Record<string, Tensor>;
const WEIGHT = 'encoder.layer.0.output.dense.weight';
const LORA_A = 'base_model.model.bert.encoder.layer.0.output.dense.lora_A.weight';

let tiny: TinyModels;
let baseFolder: HostFolder;
let base: Base;
let copies = 0;
const toClose: HostFolder[] = [];
beforeAll(async () => {
  tiny = await makeTinyModels({
    experts: [
      { name: 'full', kind: 'full', classes: 3 },
      { name: 'lora', kind: 'lora', rank: 3, classes: 1 },
    ],
  });
  baseFolder = await openFolder(tiny.base);
  base = await openBase(baseFolder, layoutOf);
});
afterEach(async () => {
  for (const folder of toClose.splice(0)) await folder.close();
});
afterAll(async () => {
  await baseFolder.close();
  await tiny.remove();
});

/** Opens a folder until the end of the test. */
async function folderAt(path: string): Promise<HostFolder> {
  const folder = await openFolder(path);
  toClose.push(folder);
  return folder;
}

async function copyOf(folder: string): Promise<string> {
  const copy = join(tiny.dir, `copy-${copies++}`);
  await cp(folder, copy, { recursive: true });
  return copy;
}

async function readTensors(path: string): Promise<Tensors> {
  const file = await openSafetensors(bytesSource(path, await readFile(path)));
  return Object.fromEntries(await Promise.all(file.names.map(async (name) => [name, await file.read(name)] as const)));
}

/** A copy of a model folder with other tensors. */
async function withTensors(folder: string, change: (tensors: Tensors) => Tensors, metadata: Record<string, string> = {}): Promise<string> {
  const copy = await copyOf(folder);
  const path = join(copy, folder === tiny.experts['lora'] ? 'adapter_model.safetensors' : 'model.safetensors');
  await writeFile(path, encodeSafetensors(change(await readTensors(path)), metadata));
  return copy;
}

/** A copy of a model folder with other fields in a JSON file. */
async function withJson(folder: string, file: string, fields: object): Promise<string> {
  const copy = await copyOf(folder);
  const path = join(copy, file);
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...fields }));
  return copy;
}

const renamed =
  (from: string, to: string) =>
  (tensors: Tensors): Tensors =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name === from ? to : name, tensor]));
const without =
  (name: string) =>
  (tensors: Tensors): Tensors =>
    Object.fromEntries(Object.entries(tensors).filter(([one]) => one !== name));
const floats = (...shape: number[]): Tensor => ({ dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
const openOne = async (folder: string, of: Base = base): Promise<ExpertSource> => openExpert(await folderAt(folder), of);
const full = () => tiny.experts['full'];
const lora = () => tiny.experts['lora'];

describe('a base', () => {
  test('gives parameters by canonical name, with and without prefix', async () => {
    const stored = await readTensors(join(tiny.base, 'model.safetensors'));
    const prefixed = await withTensors(tiny.base, (tensors) => ({
      ...Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`bert.${name}`, tensor])),
      'cls.predictions.bias': floats(3),
    }));
    for (const folder of [tiny.base, prefixed]) {
      expect(await (await openBase(await folderAt(folder), layoutOf)).readFloat(WEIGHT)).toEqual(stored[WEIGHT]);
    }
  });

  test('understands gamma and beta, and ignores buffers', async () => {
    const old = await withTensors(tiny.base, (tensors) => ({
      ...Object.fromEntries(
        Object.entries(tensors).map(([name, tensor]) => [
          name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta'),
          tensor,
        ]),
      ),
      'embeddings.position_ids': { dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(0n, 1n) },
    }));
    const name = 'embeddings.LayerNorm.weight';
    expect(await (await openBase(await folderAt(old), layoutOf)).readFloat(name)).toEqual(await base.readFloat(name));
  });

  test('may come in shards', async () => {
    const sharded = await copyOf(tiny.base);
    const tensors = Object.entries(await readTensors(join(sharded, 'model.safetensors')));
    await rm(join(sharded, 'model.safetensors'));
    const halves = [tensors.slice(0, 20), tensors.slice(20)];
    const map: [string, string][] = [];
    for (const [i, half] of halves.entries()) {
      await writeFile(join(sharded, `model-${i}.safetensors`), encodeSafetensors(Object.fromEntries(half)));
      map.push(...half.map(([name]): [string, string] => [name, `model-${i}.safetensors`]));
    }
    const index = join(sharded, 'model.safetensors.index.json');
    const write = (weightMap: Record<string, string>) =>
      writeFile(index, JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap }));
    const openSharded = async () => openBase(await folderAt(sharded), layoutOf);

    await write(Object.fromEntries(map));
    const opened = await openSharded();
    for (const name of [tensors[0][0], tensors[30][0]]) expect(await opened.readFloat(name)).toEqual(await base.readFloat(name));

    await write({ ...Object.fromEntries(map), [tensors[0][0]]: 'model-1.safetensors' });
    await expect(openSharded()).rejects.toMatchObject({
      code: 'format',
      message: expect.stringContaining(`expected ${tensors[0][0]} in model-1.safetensors`),
    });
    await write({ ...Object.fromEntries(map), [tensors[0][0]]: 'model-9.safetensors' });
    await expect(openSharded()).rejects.toMatchObject({ code: 'format', message: expect.stringContaining('model-9.safetensors') });
    for (const path of ['../base/model.safetensors', '/tmp/model.safetensors', '..', 'model-0.bin']) {
      await write({ ...Object.fromEntries(map), [tensors[0][0]]: path });
      await expect(openSharded()).rejects.toMatchObject({ code: 'format' });
    }
  });

  test('is refused when it is not whole, a pickle, or not there', async () => {
    const opened = async (folder: string) => openBase(await folderAt(folder), layoutOf);
    await expect(opened(await withTensors(tiny.base, without(WEIGHT)))).rejects.toMatchObject({
      code: 'incompatible',
      message: expect.stringContaining(`missing ${WEIGHT} [16, 24]`),
    });
    await expect(opened(await withTensors(tiny.base, (tensors) => ({ ...tensors, 'encoder.layer.9.x': floats(1) })))).rejects.toMatchObject(
      {
        code: 'incompatible',
        message: expect.stringContaining('extra encoder.layer.9.x [1]'),
      },
    );
    const pickled = await copyOf(tiny.base);
    await rename(join(pickled, 'model.safetensors'), join(pickled, 'pytorch_model.bin'));
    await expect(opened(pickled)).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('save_pretrained') });
    await rm(join(pickled, 'pytorch_model.bin'));
    await expect(opened(pickled)).rejects.toMatchObject({ code: 'not_found' });
    await rm(join(pickled, 'config.json'));
    await expect(opened(pickled)).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('config.json') });
  });

  test('is refused with the name and index of a value that is not finite', async () => {
    const folder = await withTensors(tiny.base, (tensors) => ({
      ...tensors,
      [WEIGHT]: { dtype: 'float32', shape: [16, 24], data: new Float32Array(384).fill(NaN, 25, 26) },
    }));
    const opened = await openBase(await folderAt(folder), layoutOf);
    await expect(opened.readFloat(WEIGHT)).rejects.toMatchObject({
      code: 'format',
      message: expect.stringContaining(`${WEIGHT}: expected finite values, got NaN at [1, 1]`),
    });
  });
});

describe('a full expert', () => {
  test('gives its own parameters and head', async () => {
    const expert = await openOne(full());
    const stored = await readTensors(join(full(), 'model.safetensors'));
    expect(expert).toMatchObject({ kind: 'full', problem: 'classification', labels: ['full-0', 'full-1', 'full-2'] });
    expect(expert.head).toEqual({ weight: stored['classifier.weight'], bias: stored['classifier.bias'] });
    for (const { name } of base.layout.parameters) {
      const source = expert.parameter(name);
      expect(source.kind === 'dense' && (await source.read())).toEqual(stored[`bert.${name}`]);
    }
  });

  test('may have a head called score without bias, and no labels', async () => {
    const folder = await withTensors(full(), (tensors) =>
      without('classifier.bias')(renamed('classifier.weight', 'score.weight')(tensors)),
    );
    await rm(join(folder, 'config.json'));
    const expert = await openOne(folder);
    expect([...expert.head.bias.data]).toEqual([0, 0, 0]);
    expect(expert.labels).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_2']);
  });

  test('is refused with up to five names', async () => {
    const folder = await withTensors(full(), (tensors) => ({
      ...Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.includes('layer.1.output'))),
      [`bert.${WEIGHT}`]: floats(16, 25),
      'lm_head.weight': floats(2, 2),
      'classifier.weight': floats(3, 17),
    }));
    await expect(openOne(folder)).rejects.toMatchObject({
      code: 'incompatible',
      message: expect.stringMatching(
        /bert\.encoder\.layer\.0\.output\.dense\.weight should be \[16, 24\], is \[16, 25\].*missing encoder\.layer\.1\.output.*; and 2 more$/,
      ),
    });
  });

  test.each<[string, (tensors: Tensors) => Tensors, string]>([
    ['no head', (tensors) => without('classifier.bias')(without('classifier.weight')(tensors)), 'missing classifier.weight [classes, 16]'],
    [
      'a head of another width',
      (tensors) => ({ ...tensors, 'classifier.weight': floats(3, 17) }),
      'classifier.weight should be [classes, 16], is [3, 17]',
    ],
    ['a bias of another length', (tensors) => ({ ...tensors, 'classifier.bias': floats(4) }), 'classifier.bias should be [3], is [4]'],
    [
      'a head of two layers',
      (tensors) => ({ ...tensors, 'classifier.dense.weight': floats(16, 16) }),
      'extra classifier.dense.weight [16, 16]',
    ],
  ])('is refused for %s', async (_name, change, message) => {
    await expect(openOne(await withTensors(full(), change))).rejects.toMatchObject({
      code: 'incompatible',
      message: expect.stringContaining(message),
    });
  });
});

describe('a LoRA expert', () => {
  test('gives factors where it adapts and the base elsewhere', async () => {
    const expert = await openOne(lora());
    const stored = await readTensors(join(lora(), 'adapter_model.safetensors'));
    expect(expert).toMatchObject({ kind: 'lora', problem: 'regression', labels: ['lora-0'] });
    expect(expert.head.weight).toEqual(stored['base_model.model.classifier.weight']);
    const source = expert.parameter(WEIGHT);
    expect(source).toMatchObject({ kind: 'lora', rank: 3 });
    expect(source.kind === 'lora' && (await source.read())).toEqual({
      a: stored[LORA_A],
      b: stored[LORA_A.replace('lora_A', 'lora_B')],
      scaling: 4 / 3,
    });
    expect(expert.parameter('embeddings.word_embeddings.weight')).toEqual({ kind: 'same' });
    expect(expert.parameter('pooler.dense.bias')).toEqual({ kind: 'same' });
  });

  test('takes alpha patterns and rsLoRA by module name', async () => {
    const expert = await openOne(
      await withJson(lora(), 'adapter_config.json', { use_rslora: true, alpha_pattern: { 'layer.0.output.dense': 9 } }),
    );
    const [patterned, plain] = [expert.parameter(WEIGHT), expert.parameter('pooler.dense.weight')];
    expect(patterned.kind === 'lora' && (await patterned.read()).scaling).toBeCloseTo(9 / Math.sqrt(3), 12);
    expect(plain.kind === 'lora' && (await plain.read()).scaling).toBeCloseTo(4 / Math.sqrt(3), 12);
  });

  test('is refused when ranks and config disagree', async () => {
    const folder = await withJson(lora(), 'adapter_config.json', { rank_pattern: { 'layer.0.output.dense': 2 } });
    await expect(openOne(folder)).rejects.toMatchObject({
      code: 'incompatible',
      message: expect.stringContaining(`${LORA_A} should be [2, 24], is [3, 24]`),
    });
  });

  test.each<[string, (tensors: Tensors) => Tensors, string]>([
    ['half a pair', without(LORA_A), 'missing encoder.layer.0.output.dense.lora_A.weight [3, 24]'],
    ['factors of another base', (tensors) => ({ ...tensors, [LORA_A]: floats(3, 32) }), `${LORA_A} should be [3, 24], is [3, 32]`],
    [
      'a module that the base lacks',
      renamed(LORA_A, LORA_A.replace('layer.0', 'layer.7')),
      'extra base_model.model.bert.encoder.layer.7.output.dense.lora_A.weight',
    ],
    [
      'an adapted embedding',
      (tensors) => ({ ...tensors, 'base_model.model.bert.embeddings.word_embeddings.lora_embedding_A': floats(3, 95) }),
      'extra base_model.model.bert.embeddings.word_embeddings.lora_embedding_A [3, 95]',
    ],
    [
      'no head',
      (tensors) => without('base_model.model.classifier.bias')(without('base_model.model.classifier.weight')(tensors)),
      'missing base_model.model.classifier.weight',
    ],
    ['no factors', (tensors) => Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.includes('lora'))), 'no LoRA factors'],
  ])('is refused for %s', async (_name, change, message) => {
    await expect(openOne(await withTensors(lora(), change))).rejects.toMatchObject({
      code: 'incompatible',
      message: expect.stringContaining(message),
    });
  });

  test('is refused for another base hash', async () => {
    const folder = await withTensors(lora(), (tensors) => tensors, { base_sha256: 'aa' });
    expect((await openOne(folder)).kind).toBe('lora');
    const hashed = await openBase(await folderAt(tiny.base), layoutOf, 'bb');
    await expect(openOne(folder, hashed)).rejects.toMatchObject({
      code: 'incompatible',
      message: expect.stringContaining('of base bb, got one of base aa'),
    });
  });

  test('is refused for a switch that is not applied', async () => {
    await expect(openOne(await withJson(lora(), 'adapter_config.json', { use_dora: true }))).rejects.toMatchObject({
      code: 'unsupported',
      param: 'use_dora',
    });
  });
});

describe('an expert of another base is refused', () => {
  test.each([
    [{ vocab_size: 99 }, 'vocab_size should be 95, is 99'],
    [{ hidden_size: 32 }, 'hidden_size should be 16, is 32'],
    [{ num_attention_heads: 2 }, 'num_attention_heads should be 4, is 2'],
    [{ model_type: 'roberta' }, 'model_type should be "bert", is "roberta"'],
  ])('config %j', async (fields, message) => {
    for (const folder of [full(), lora()]) {
      await expect(openOne(await withJson(folder, 'config.json', fields))).rejects.toMatchObject({
        code: 'incompatible',
        message: expect.stringContaining(message),
      });
    }
  });

  test('tokenizer with another vocabulary; the same one saved with padding passes', async () => {
    const folder = await copyOf(lora());
    const json = JSON.parse(await readFile(join(tiny.base, 'tokenizer.json'), 'utf8'));
    await writeFile(
      join(folder, 'tokenizer.json'),
      JSON.stringify({ ...json, padding: { strategy: 'BatchLongest' }, truncation: { max_length: 8 } }),
    );
    expect((await openOne(folder)).kind).toBe('lora');
    json.model.vocab['the'] = json.model.vocab['film'];
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
    await expect(openOne(folder)).rejects.toMatchObject({ code: 'incompatible', message: expect.stringContaining('tokenizer.json') });
  });

  test('an empty folder', async () => {
    const folder = join(tiny.dir, 'empty');
    await mkdir(folder);
    await expect(openOne(folder)).rejects.toMatchObject({ code: 'not_found' });
  });
});

test.skipIf(!hasShared('models/base'))('the eight real adapters fit their base (skipped without ../shared)', async () => {
  const real = await openBase(await folderAt(sharedPath('models/base')), layoutOf);
  const classes = { banking77: 77, cola: 2, emotion: 4, mrpc: 2, qnli: 2, sst2: 2, stsb: 1, trec: 6 };
  const found: [string, number][] = [];
  for (const name of Object.keys(classes)) {
    const expert = await openOne(sharedPath(`models/${name}`), real);
    found.push([name, expert.labels.length]);
    expect(expert.problem).toBe(name === 'stsb' ? 'regression' : 'classification');
    const kinds = real.layout.parameters.map((parameter) => expert.parameter(parameter.name).kind);
    expect(kinds.filter((kind) => kind === 'lora').length).toBe(37);
  }
  expect(Object.fromEntries(found)).toEqual(classes);
});
