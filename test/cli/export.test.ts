// `twinroute export` on tiny packs: every format read back by our own readers, or run, and held against the pack's own answer.

import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { producer } from '../../src/build/export/checkpoint.ts';
import { readProvenance } from '../../src/build/provenance.ts';
import { readTheta } from '../../src/build/theta.ts';
import { ExportRecord } from '../../src/contract/export-record.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { matmulPlain } from '../../src/core/linalg/matmul.ts';
import { mixVector, parseMix, type Mix } from '../../src/core/mix.ts';
import { floatTensor, type FloatTensor } from '../../src/core/tensor.ts';
import { openBase, openExpert, type Base } from '../../src/formats/checkpoint.ts';
import { openPack, type Pack } from '../../src/formats/pack.ts';
import { createSha256, openFolder, type HostFolder } from '../../src/host/files.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { encoderFeeds } from '../../src/model/encoder-feeds.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import { openPackWeights } from '../../src/model/pack-weights.ts';
import { layoutOf, openArchitecture, type OpenArchitecture } from '../../src/model/registry.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import type { Predictor } from '../../src/origin/predictor.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { runCli } from '../helpers/run-cli.ts';
import { makeTinyModels, type TinyExpert, type TinyModels } from '../helpers/tiny-bert.ts';
import { tinyText } from '../helpers/tiny-pack.ts';

const TOLERANCE = 1e-5;
const LORA: readonly TinyExpert[] = [
  { name: 'birds', kind: 'lora', classes: 3 },
  { name: 'ships', kind: 'lora', rank: 3, classes: 2 },
  { name: 'stars', kind: 'lora', classes: 1 },
];
const MIXED: readonly TinyExpert[] = [LORA[0], { name: 'ships', kind: 'full', classes: 2 }];
const TEXTS = ['birds', 'ships', 'stars'].map((name) => tinyText(name, 7));

/** A pack on disk, open, and served. */
interface Fixture {
  readonly models: TinyModels;
  readonly path: string;
  readonly folder: HostFolder;
  readonly pack: Pack;
  readonly predictor: Predictor;
}

let lora: Fixture;
let mixed: Fixture;
/** Modules about the base: the shared part fades. */
let faded: Fixture;
/** Modules are masks over a unified vector. */
let masked: Fixture;

beforeAll(async () => {
  lora = await makeFixture(LORA, { energy: 0.9 });
  mixed = await makeFixture(MIXED, { rank: 4 });
  faded = await makeFixture(LORA, { rank: 2, about: 'base' });
  masked = await makeFixture(MIXED, {}, 'emr');
}, 60_000);

afterAll(async () => {
  for (const { models, folder, predictor } of [lora, mixed, faded, masked]) {
    await predictor.release();
    await folder.close();
    await models.remove();
  }
});

async function makeFixture(experts: readonly TinyExpert[], parameters: object, method: 'twin' | 'emr' = 'twin'): Promise<Fixture> {
  const models = await makeTinyModels({ experts });
  const examples = (name: string): string => join(models.dir, `${name}.jsonl`);
  for (const { name } of experts) {
    await writeFile(examples(name), Array.from({ length: 20 }, (_, i) => `${JSON.stringify({ text: tinyText(name, i) })}\n`).join(''));
  }
  const config = join(models.dir, 'tiny.yaml');
  const entries = experts.map(({ name }) => ({ name, model: models.experts[name], examples: examples(name) }));
  await writeFile(
    config,
    JSON.stringify({
      merge_method: method,
      base_model: models.base,
      models: entries,
      parameters: { ...(method === 'twin' && { quantize: 'int8' }), ...parameters },
      dtype: 'float16',
    }),
  );
  const path = join(models.dir, 'pack');
  const built = await runCli('build', config, '--out', path, '--engine', 'wasm');
  if (built.code !== 0) throw new Error(built.err);
  const folder = await openFolder(path);
  const pack = await openPack(folder, createSha256);
  return { models, path, folder, pack, predictor: await loadPredictor(pack) };
}

/** Exports by the command line; folder and record. */
async function exportTo({ models, path }: Fixture, name: string, ...args: string[]): Promise<{ out: string; record: ExportRecord }> {
  const out = join(models.dir, name);
  const { code, out: printed, err } = await runCli('export', path, out, ...args, '--json');
  if (code !== 0) throw new Error(err);
  return { out, record: parseJsonWith(ExportRecord, printed, 'export', 'internal') };
}

/** What the pack answers, row after row: an expert's logits under a mix. */
async function answers({ pack, predictor }: Fixture, mix: Mix, head: string): Promise<number[]> {
  const names = pack.manifest.experts.map((expert) => expert.name);
  const outputs = await predictor.run(TEXTS.map((text) => ({ ...predictor.encode(text), mix: mixVector(mix, names) })));
  return outputs.flatMap(({ logits }) => Array.from(logits(names.indexOf(head))));
}

async function runGraph({ predictor }: Fixture, model: Uint8Array, feeds: Record<string, FloatTensor> = {}): Promise<Float32Array> {
  const session = await createNodeSession(model);
  const { logits } = await session.run({ ...encoderFeeds(TEXTS.map((text) => predictor.encode(text))), ...feeds });
  await session.release();
  return logits.dtype === 'float32' ? logits.data : new Float32Array();
}

/** Opens a checkpoint of ours as a base. */
async function openCheckpoint(folder: HostFolder, sha256?: string): Promise<{ base: Base; model: OpenArchitecture }> {
  let model: OpenArchitecture | undefined;
  const base = await openBase(
    folder,
    (config) => {
      model = openArchitecture(config.model_type, config);
      return layoutOf(model);
    },
    sha256,
  );
  if (model === undefined) throw new Error('no layout');
  return { base, model };
}

describe('hf', () => {
  const MIX = { ships: 0.5, birds: 0.25 };

  test.each([
    ['float32', 'twin', () => mixed, TOLERANCE],
    ['float16', 'twin', () => mixed, 2e-2],
    ['float32', 'emr', () => masked, TOLERANCE],
  ] as const)('a mix folded into %s answers as the pack does: %s', async (dtype, _method, fixture, tolerance) => {
    const { out, record } = await exportTo(fixture(), `hf-${dtype}`, '--format', 'hf', '--mix', JSON.stringify(MIX), '--dtype', dtype);
    expect(record).toMatchObject({ format: 'hf', dtype, config: fixture().pack.manifest.config, heads: [{ expert: 'ships', first: 0 }] });
    expect(record.mix).toEqual([
      { expert: 'ships', weight: 0.5 },
      { expert: 'birds', weight: 0.25 },
    ]);
    const folder = await openFolder(out);
    const { base, model } = await openCheckpoint(folder);
    const expert = await openExpert(folder, base);
    expect(expert).toMatchObject({ kind: 'full', problem: 'classification', labels: ['ships-0', 'ships-1'] });
    const weights = new Map<string, FloatTensor>();
    for (const { name, shape } of model.parameters)
      weights.set(name, floatTensor(shape, await readTheta(await base.readFloat(name), expert.parameter(name), matmulPlain)));
    const graph = emitPlainGraph(model.architecture, model.config, (name) => weights.get(name) ?? floatTensor([0], new Float32Array()), [
      expert.head,
    ]);
    const mix = parseMix(MIX, ['birds', 'ships']);
    expect(maxDifference(await runGraph(fixture(), graph), await answers(fixture(), mix, 'ships'))).toBeLessThan(tolerance);
    // The tokenizer is the pack's, so a checkpoint of it fits the base.
    expect(await readFile(join(out, 'tokenizer.json'), 'utf8')).toBe(await fixture().pack.text('tokenizer.json'));
    await folder.close();
  });

  test('names a classifier and its labels as transformers reads them; without a head an encoder', async () => {
    const withHead = await exportTo(lora, 'hf-head', '--format', 'hf', '--head', 'stars');
    expect(JSON.parse(await readFile(join(withHead.out, 'config.json'), 'utf8'))).toMatchObject({
      architectures: ['BertForSequenceClassification'],
      id2label: { 0: 'stars-0' },
      label2id: { 'stars-0': 0 },
      problem_type: 'regression',
      hidden_act: 'gelu',
    });
    const shared = await exportTo(lora, 'hf-shared', '--format', 'hf');
    const config: unknown = JSON.parse(await readFile(join(shared.out, 'config.json'), 'utf8'));
    expect(config).toMatchObject({ architectures: ['BertModel'] });
    expect(config).not.toHaveProperty('id2label');
    expect(shared.record).toMatchObject({ mix: [], heads: [], experts: [] });
    const folder = await openFolder(shared.out);
    const { base } = await openCheckpoint(folder);
    const weights = await openPackWeights(lora.pack);
    const name = 'encoder.layer.0.attention.self.query.weight';
    expect((await base.readFloat(name)).data).toEqual((await weights.shared(name)).data);
    await folder.close();
  });

  test('refuses a weight that the dtype cannot hold, by name', async () => {
    const large = producer('pooler.dense.bias', [2], 'float16', () => Promise.resolve(floatTensor([2], Float32Array.of(1, -65_520))));
    await expect(large.data()).rejects.toMatchObject({ code: 'numeric', message: expect.stringMatching(/pooler\.dense\.bias.*-65520/) });
  });

  test('refuses a mix whose weights pass 1, and leaves nothing behind', async () => {
    const { code, err } = await runCli('export', mixed.path, join(mixed.models.dir, 'never'), '--format', 'hf', '--mix', '{"ships": 2}');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/expected weights whose sum is at most 1/) });
    expect(await readdir(mixed.models.dir)).not.toContain('never');
  });
});

describe('peft', () => {
  test.each([
    ['the shared model', () => lora],
    ['the base, where the shared part fades', () => faded],
  ])('base and adapters open as base and experts, and are the same modules: about %s', async (_title, fixture) => {
    const { pack } = fixture();
    const { out, record } = await exportTo(fixture(), 'peft', '--format', 'peft');
    expect(record).toMatchObject({ format: 'peft', mix: null, dropped: {} });
    const baseFolder = await openFolder(join(out, 'base'));
    const provenance = await readProvenance(baseFolder, createSha256);
    const { base, model } = await openCheckpoint(baseFolder, provenance.sha256);
    const weights = await openPackWeights(pack);
    for (const { name, labels } of pack.manifest.experts) {
      const folder = await openFolder(join(out, name));
      const expert = await openExpert(folder, base);
      expect(expert).toMatchObject({ kind: 'lora', labels });
      for (const { name: parameter } of model.parameters) {
        const theta = await readTheta(await base.readFloat(parameter), expert.parameter(parameter), matmulPlain);
        const wanted = await weights.folded(parameter, [{ expert: name, weight: 1 }]);
        expect(maxDifference(theta, wanted.data)).toBeLessThan(1e-6);
      }
      const head = await (await weights.expert(name)).head();
      expect([expert.head.weight.data, expert.head.bias.data]).toEqual([head.weight.data, head.bias.data]);
      await folder.close();
    }
    await baseFolder.close();
  });

  test('states each module and its rank by whole names, scaling 1', async () => {
    const { out } = await exportTo(lora, 'peft-config', '--format', 'peft');
    const { tensors } = lora.pack.manifest.experts[1];
    const config = JSON.parse(await readFile(join(out, 'ships', 'adapter_config.json'), 'utf8'));
    const factored = tensors.filter(({ kind }) => kind === 'factored');
    expect(new Set(factored.map(({ rank }) => rank)).size).toBeGreaterThan(1); // else the patterns were not tried
    expect(config.target_modules).toEqual(factored.map(({ name }) => `bert.${name.replace(/\.weight$/, '')}`));
    expect(config.alpha_pattern).toEqual(config.rank_pattern);
    expect(config.lora_alpha).toBe(config.r);
    for (const { name, rank } of factored) expect(config.rank_pattern[`bert.${name.replace(/\.weight$/, '')}`] ?? config.r).toBe(rank);
  });

  test('an adapter is bound to the base beside it', async () => {
    const { out } = await exportTo(lora, 'peft-bound', '--format', 'peft');
    const other = await openFolder(lora.models.base);
    const folder = await openFolder(join(out, 'birds'));
    const { base } = await openCheckpoint(other, (await readProvenance(other, createSha256)).sha256);
    await expect(openExpert(folder, base)).rejects.toMatchObject({ code: 'incompatible', param: 'base_sha256' });
    await folder.close();
    await other.close();
  });

  test('refuses what LoRA cannot express, or says what it left out', async () => {
    const refused = await runCli('export', mixed.path, join(mixed.models.dir, 'refused'), '--format', 'peft');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/birds: embeddings\.LayerNorm\.bias, .*--lossy/);
    expect(await readdir(mixed.models.dir)).not.toContain('refused');
    const { out, record } = await exportTo(mixed, 'lossy', '--format', 'peft', '--lossy');
    expect(record.dropped['ships']).toContain('embeddings.word_embeddings.weight');
    expect(record.dropped['ships']).not.toContain('pooler.dense.weight');
    expect(await readFile(join(out, 'README.md'), 'utf8')).toMatch(/## Left out[\s\S]*ships: .*embeddings\.word_embeddings\.weight/);
  });
});

describe('onnx', () => {
  test('the origin’s graph takes the mix and answers with every head', async () => {
    const { out, record } = await exportTo(lora, 'onnx', '--format', 'onnx');
    const mix = parseMix({ stars: 0.5, birds: 0.5 }, ['birds', 'ships', 'stars']);
    const rows = TEXTS.flatMap(() => [...mixVector(mix, ['birds', 'ships', 'stars'])]);
    const logits = await runGraph(lora, await readFile(join(out, 'model.onnx')), {
      mix: floatTensor([TEXTS.length, 3], Float32Array.from(rows)),
    });
    expect(record.heads.map(({ expert, first }) => [expert, first])).toEqual([
      ['birds', 0],
      ['ships', 3],
      ['stars', 5],
    ]);
    const stars = TEXTS.map((_, i) => logits[i * 6 + 5]);
    expect(maxDifference(stars, await answers(lora, mix, 'stars'))).toBeLessThan(TOLERANCE);
  });

  test('a folded mix is a plain model with one head', async () => {
    const { out, record } = await exportTo(lora, 'onnx-folded', '--format', 'onnx', '--mix', '{"birds": 0.75}', '--head', 'ships');
    expect(record).toMatchObject({ mix: [{ expert: 'birds', weight: 0.75 }], heads: [{ expert: 'ships' }] });
    const wanted = await answers(lora, [{ expert: 'birds', weight: 0.75 }], 'ships');
    expect(maxDifference(await runGraph(lora, await readFile(join(out, 'model.onnx'))), wanted)).toBeLessThan(TOLERANCE);
    expect(await readFile(join(out, 'README.md'), 'utf8')).toMatch(
      /input_ids[\s\S]*\| ships \| 0 to 1 \| classification \| ships-0, ships-1 \|/,
    );
  });
});

describe('triton', () => {
  test('a model repository: the open graph as version 1, a config with its tensors, the tokenizer beside it', async () => {
    const { out, record } = await exportTo(lora, 'triton', '--format', 'triton');
    const name = lora.pack.manifest.name;
    expect(Object.keys(record.files)).toEqual(
      ['README.md', ...['1/model.onnx', 'config.pbtxt', 'tokenizer.json', 'tokenizer_config.json'].map((file) => `${name}/${file}`)].sort(),
    );
    const mix = parseMix({ stars: 0.5, birds: 0.5 }, ['birds', 'ships', 'stars']);
    const logits = await runGraph(lora, await readFile(join(out, name, '1/model.onnx')), {
      mix: floatTensor([TEXTS.length, 3], Float32Array.from(TEXTS.flatMap(() => [...mixVector(mix, ['birds', 'ships', 'stars'])]))),
    });
    const stars = TEXTS.map((_, i) => logits[i * 6 + 5]);
    expect(maxDifference(stars, await answers(lora, mix, 'stars'))).toBeLessThan(TOLERANCE);
    const config = await readFile(join(out, name, 'config.pbtxt'), 'utf8');
    expect(config.split('\n').filter((line) => /^(in|out)put /.test(line))).toEqual([
      'input { name: "input_ids" data_type: TYPE_INT64 dims: [ -1 ] }',
      'input { name: "attention_mask" data_type: TYPE_INT64 dims: [ -1 ] }',
      'input { name: "token_type_ids" data_type: TYPE_INT64 dims: [ -1 ] }',
      'input { name: "mix" data_type: TYPE_FP32 dims: [ 3 ] }',
      'output { name: "logits" data_type: TYPE_FP32 dims: [ 6 ] }',
      `output { name: "features" data_type: TYPE_FP32 dims: [ ${String(lora.pack.manifest.architecture.config['hidden_size'])} ] }`,
    ]);
    expect(config).toMatch(/max_batch_size: 32[\s\S]*dynamic_batching/);
  });

  test('a folded mix has no input for it', async () => {
    const { out } = await exportTo(lora, 'triton-folded', '--format', 'triton', '--mix', '{"birds": 0.75}');
    const config = await readFile(join(out, lora.pack.manifest.name, 'config.pbtxt'), 'utf8');
    expect(config).not.toContain('"mix"');
    expect(config).toContain('output { name: "logits" data_type: TYPE_FP32 dims: [ 3 ] }');
  });
});

describe('a pack whose shared part fades', () => {
  test('is folded with as much of the fade as its mix is full', async () => {
    const { out } = await exportTo(faded, 'onnx-faded', '--format', 'onnx', '--mix', '{"birds": 0.5, "ships": 0.25}');
    const wanted = await answers(faded, parseMix({ birds: 0.5, ships: 0.25 }, ['birds', 'ships', 'stars']), 'birds');
    expect(maxDifference(await runGraph(faded, await readFile(join(out, 'model.onnx'))), wanted)).toBeLessThan(TOLERANCE);
  });
});

describe('a pack of masks', () => {
  test('is folded into one plain model, and has no open mix and no adapters', async () => {
    const { out } = await exportTo(masked, 'onnx-masked', '--format', 'onnx', '--mix', '{"birds": 0.5, "ships": 0.25}');
    const wanted = await answers(masked, parseMix({ birds: 0.5, ships: 0.25 }, ['birds', 'ships']), 'birds');
    expect(maxDifference(await runGraph(masked, await readFile(join(out, 'model.onnx'))), wanted)).toBeLessThan(TOLERANCE);
    const refusal = async (format: string): Promise<string> =>
      (await runCli('export', masked.path, join(masked.models.dir, 'none'), '--format', format)).err;
    expect(await refusal('onnx')).toMatch(/expected factored modules, got a pack of emr.*--mix/);
    expect(await refusal('peft')).toMatch(/expected a pack of twin.*got one of emr; --format hf and onnx with --mix/);
  });
});

describe('any format', () => {
  test('writes a card and a record, and replaces an older export but nothing else', async () => {
    const first = await exportTo(lora, 'again', '--format', 'onnx');
    const second = await exportTo(lora, 'again', '--format', 'hf');
    expect((await readdir(second.out)).sort()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
      'twinroute.json',
    ]);
    expect(parseJsonWith(ExportRecord, await readFile(join(second.out, 'twinroute.json'), 'utf8'), 'record', 'format')).toEqual(
      second.record,
    );
    expect(first.record.config).toBe(second.record.config);
    expect(await readFile(join(second.out, 'README.md'), 'utf8')).toContain(lora.pack.manifest.base.sha256);
    const { code, err } = await runCli('export', lora.path, lora.models.base, '--format', 'hf');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/expected an empty folder or one that twinroute made/) });
  });

  test('refuses a pack whose bytes were changed', async () => {
    const copy = join(lora.models.dir, 'changed');
    await cp(lora.path, copy, { recursive: true });
    const file = join(copy, 'experts/birds.safetensors');
    const bytes = await readFile(file);
    bytes[bytes.length - 1] ^= 1;
    await writeFile(file, bytes);
    for (const format of ['hf', 'peft', 'onnx']) {
      const { code, err } = await runCli(
        'export',
        copy,
        join(lora.models.dir, 'never'),
        '--format',
        format,
        ...(format === 'hf' ? ['--mix', '{"birds":1}'] : []),
      );
      expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/expected sha256/) });
    }
  });

  test.each([
    [['--format', 'gguf'], /--format: expected one of hf, peft, onnx, triton/],
    [['--format', 'peft', '--mix', '{"birds":1}'], /--mix: expected --dtype, --lossy with --format peft/],
    [['--format', 'onnx', '--head', 'birds'], /--head: expected beside --mix/],
    [['--format', 'hf', '--dtype', 'int8'], /--dtype: expected one of float32, float16, bfloat16/],
    [['--format', 'hf', '--mix', 'birds'], /--mix: expected JSON/],
  ])('%j is wrong usage', async (args, message) => {
    const { code, err } = await runCli('export', lora.path, join(lora.models.dir, 'none'), ...args);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(message) });
  });

  test('an unknown expert is refused by name', async () => {
    const { code, err } = await runCli('export', lora.path, join(lora.models.dir, 'none'), '--format', 'hf', '--head', 'boats');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/birds, ships, stars; got "boats"/) });
  });
});
