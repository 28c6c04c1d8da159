// A pack's own report on a small manifest: its numbers, its costs, and its grids.

import { describe, expect, test } from 'vitest';
import { Manifest, type ModuleTensor } from '../../../src/contract/manifest.ts';
import { parseWith } from '../../../src/contract/parse.ts';
import type { Assessment } from '../../../src/core/routing/calibrate.ts';
import { toHtml } from '../../../src/report/html.ts';
import { toMarkdown } from '../../../src/report/markdown.ts';
import { energyGrid } from '../../../src/report/pack/energy-grid.ts';
import { packBytes, packCost } from '../../../src/report/pack/pack-cost.ts';
import { packReport } from '../../../src/report/pack/pack-report.ts';

const [d, inner, tokens, rank] = [6, 8, 4, 2];

function tensor(name: string, shape: number[], change: Partial<ModuleTensor> = {}): ModuleTensor {
  return { name, shape, kind: 'factored', rank, kept_energy: 0.9, error: 0.3, ...change };
}

const TENSORS = [
  tensor('encoder.layer.0.attention.self.query.weight', [d, d], { kept_energy: 0.754_3 }),
  tensor('encoder.layer.0.output.dense.weight', [d, inner]),
  tensor('encoder.layer.1.attention.self.query.weight', [d, d], { kept_energy: 0.999_96, error: 0.006 }),
  tensor('pooler.dense.weight', [d, d]),
  tensor('encoder.layer.0.output.dense.bias', [d], { kind: 'whole', rank: 0, kept_energy: 1, error: 0 }),
];

function manifest(change: object = {}): Manifest {
  const sha256 = 'a'.repeat(64);
  const provenance = { sha256, license: 'mit', source: 'a <place>' };
  const expert = (name: string, labels: string[]): object => ({
    name,
    kind: 'lora',
    provenance,
    problem: 'classification',
    labels,
    file: `experts/${name}.safetensors`,
    format: 'int8',
    tensors: TENSORS,
  });
  const value = {
    schema: 1,
    name: 'tiny',
    config: '0'.repeat(16),
    method: 'twin',
    parameters: { rank },
    seed: 0,
    engine: 'wasm',
    producer: 'twinroute 0',
    architecture: {
      type: 'bert',
      config: {
        model_type: 'bert',
        vocab_size: 10,
        hidden_size: d,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: inner,
        max_position_embeddings: 16,
        type_vocab_size: 2,
        layer_norm_eps: 1e-12,
      },
    },
    max_tokens: 16,
    base: provenance,
    shared: { file: 'shared.safetensors', method: 'task_arithmetic', format: 'fp32' },
    experts: [
      { ...expert('birds', ['a', 'b', 'c']), individual: { metric: 'accuracy', value: 0.75, rows: 20 } },
      expert('ships', ['a', 'b']),
    ],
    routing: 'edge',
    router: {
      file: 'router.onnx',
      features: { version: 1, buckets: 16, word_ngrams: 2, char_ngrams: [2, 4], max_chars: 512 },
      classes: ['birds', 'ships'],
      policy: { temperature: 1, top_k: 1, threshold: 0, abstain: 0 },
      rows: { train: 90, held_back: 10 },
      accuracy: 0.8,
      calibration_error: 0.05,
    },
    tokenizer: { file: 'tokenizer.json', config_file: 'tokenizer_config.json' },
    files: {
      'experts/birds.safetensors': { sha256, bytes: 300 },
      'experts/ships.safetensors': { sha256, bytes: 200 },
      'router.onnx': { sha256, bytes: 50 },
      'samples.jsonl': { sha256, bytes: 7 },
      'shared.safetensors': { sha256, bytes: 4000 },
      'tokenizer.json': { sha256, bytes: 60 },
      'tokenizer_config.json': { sha256, bytes: 3 },
    },
    ...change,
  };
  return parseWith(Manifest, value, 'manifest', 'internal');
}

const ASSESSMENT: Assessment = {
  confusion: [
    [4, 1],
    [1, 4],
  ],
  curve: [{ rows: 10, confidence: 0.85, accuracy: 0.8 }],
};

test('bytes are told by part and add up', () => {
  expect(packBytes(manifest())).toEqual({
    total: 4620,
    shared: 4000,
    unified: 0,
    fade: 0,
    experts: 500,
    routers: 50,
    tokenizer: 63,
    other: 7,
  });
});

describe('packCost', () => {
  const plain = tokens * 2 * (4 * d * d + 2 * d * inner) + d * d + 2 * 2 * tokens * tokens * d;
  // Two queries and an output in the layers for every token, the pooler and a bias once.
  const module = tokens * rank * (2 * (d + d) + (d + inner)) + rank * (d + d) + d;

  test('counts every resident expert’s factors, and the fade’s', () => {
    const cost = packCost(manifest(), tokens);
    expect(cost.served).toBe('beside');
    expect(cost.plain).toEqual({ total: (2 * (plain + 3 * d)) / tokens, modules: 0 });
    expect(cost.alone['ships']).toEqual({ total: (2 * (plain + module + 2 * d)) / tokens, modules: (2 * module) / tokens });
    expect(cost.all).toEqual({ total: (2 * (plain + 2 * module + 5 * d)) / tokens, modules: (4 * module) / tokens });
    const fade = { file: 'fade.safetensors', format: 'int8', tensors: TENSORS };
    const faded = packCost(manifest({ shared: { file: 's', method: 'linear', format: 'fp32', fade } }), tokens);
    expect(faded.alone['ships'].modules).toBe((4 * module) / tokens);
    expect(faded.all.modules).toBe((6 * module) / tokens);
  });

  test('knows that masked packs merge first', () => {
    const masked = manifest().experts.map((expert) => ({ ...expert, format: 'bits', scale: 1 }));
    const cost = packCost(manifest({ experts: masked }), tokens);
    expect(cost.served).toBe('merged');
    expect(cost.all.modules).toBe(0);
  });
});

test('tensors make a grid of kinds by layers, with those outside the layers below', () => {
  expect(energyGrid(TENSORS)).toEqual({
    rows: ['attention.self.query', 'output.dense', 'pooler.dense'],
    layers: ['0', '1'],
    cells: [
      [TENSORS[0], TENSORS[2]],
      [TENSORS[1], undefined],
      [TENSORS[3], undefined],
    ],
  });
  expect(energyGrid([TENSORS[4]])).toBeUndefined();
  expect(energyGrid([TENSORS[3]])).toEqual({ rows: ['pooler.dense'], layers: [''], cells: [[TENSORS[3]]] });
});

describe('the report', () => {
  const report = packReport(manifest(), { edge: ASSESSMENT });
  const [text, page] = [toMarkdown(report), toHtml(report)];

  test('is a function of what it is given', () => {
    expect(toMarkdown(packReport(manifest(), { edge: ASSESSMENT }))).toBe(text);
    expect(toHtml(packReport(manifest(), { edge: ASSESSMENT }))).toBe(page);
  });

  test.each([
    ['bytes by part', '| 2 experts | 500 | 10.82 % |'],
    ['own scores', '0.7500 (accuracy, 20 rows)'],
    ['every tensor', '| encoder.layer.0.attention.self.query.weight | 2 · 75.43 % · 30.00 % | 2 · 75.43 % · 30.00 % |'],
    ['confusions', '| birds | 4 | 1 |'],
    ['calibration', '| 85.00 % | 80.00 % | 49.02 % to 94.33 % | 10 |'],
    ['hashes', `| router.onnx | ${'a'.repeat(64)} | 50 |`],
  ])('has %s', (_, line) => {
    expect(text).toContain(line);
    for (const cell of line.split('|').map((part) => part.trim())) expect(page).toContain(cell);
  });

  test('shows energies, confusions and calibration', () => {
    expect(page.match(/<svg /g)).toHaveLength(1 + 2 + 2);
    // Rounded down: what is not whole is not 100.
    expect(page).toContain('>99</text>');
    expect(page).not.toContain('>100</text>');
    expect(page).toContain('8 of 10 rows to their own expert');
    expect(page).toContain('a &lt;place&gt; (mit)');
  });

  test('says so when nothing was held back', () => {
    expect(toMarkdown(packReport(manifest(), {}))).toContain('too few examples to hold any back');
  });
});
