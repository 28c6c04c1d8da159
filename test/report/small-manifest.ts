// A manifest by hand, for reports.

import { Manifest, type ModuleTensor } from '../../src/contract/manifest.ts';
import { parseWith } from '../../src/contract/parse.ts';

/** Sizes of the architecture, and the rank of every module. */
export const SMALL = { d: 6, inner: 8, rank: 2 };
const { d, inner, rank } = SMALL;

function tensor(name: string, shape: number[], change: Partial<ModuleTensor> = {}): ModuleTensor {
  return { name, shape, kind: 'factored', rank, kept_energy: 0.9, error: 0.3, ...change };
}

/** Tensors of both experts. */
export const TENSORS = [
  tensor('encoder.layer.0.attention.self.query.weight', [d, d], { kept_energy: 0.754_3 }),
  tensor('encoder.layer.0.output.dense.weight', [d, inner]),
  tensor('encoder.layer.1.attention.self.query.weight', [d, d], { kept_energy: 0.999_96, error: 0.006 }),
  tensor('pooler.dense.weight', [d, d]),
  tensor('encoder.layer.0.output.dense.bias', [d], { kind: 'whole', rank: 0, kept_energy: 1, error: 0 }),
];

/** A manifest of two experts. */
export function smallManifest(change: object = {}): Manifest {
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
