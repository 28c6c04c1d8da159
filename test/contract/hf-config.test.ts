import { describe, expect, test } from 'vitest';
import { headMeaning, parseBertConfig } from '../../src/contract/hf-config.ts';

const BERT = {
  model_type: 'bert',
  vocab_size: 30_522,
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  max_position_embeddings: 512,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
};

test('keeps what the encoder needs and drops the rest', () => {
  expect(parseBertConfig({ ...BERT, hidden_act: 'gelu', use_cache: true, torch_dtype: 'float16' }, 'x')).toEqual(BERT);
});

test.each([
  [{ hidden_act: 'relu' }, 'unsupported', 'x: expected hidden_act "gelu", got "relu"'],
  [{ position_embedding_type: 'relative_key' }, 'unsupported', 'x: expected position_embedding_type "absolute", got "relative_key"'],
  [{ is_decoder: true }, 'unsupported', 'x: expected is_decoder false, got true'],
  [{ hidden_size: 385 }, 'format', 'multiple of num_attention_heads'],
  [{ hidden_size: 0 }, 'format', 'hidden_size'],
  [{ vocab_size: 1e12 }, 'format', 'vocab_size'],
  [{ num_hidden_layers: 1.5 }, 'format', 'num_hidden_layers'],
  [{ layer_norm_eps: 0 }, 'format', 'layer_norm_eps'],
  [{ model_type: 'roberta' }, 'format', 'model_type'],
])('refuses %j', (change, code, message) => {
  expect(() => parseBertConfig({ ...BERT, ...change }, 'x')).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
});

describe('heads', () => {
  test.each([
    [
      { id2label: { '1': 'b', '0': 'a' }, problem_type: 'single_label_classification' as const },
      2,
      { problem: 'classification', labels: ['a', 'b'] },
    ],
    [{ id2label: { '0': 'score' } }, 1, { problem: 'regression', labels: ['score'] }],
    [
      { id2label: { '0': 'only' }, problem_type: 'single_label_classification' as const },
      1,
      { problem: 'classification', labels: ['only'] },
    ],
    [{}, 3, { problem: 'classification', labels: ['LABEL_0', 'LABEL_1', 'LABEL_2'] }],
    [{ id2label: null, num_labels: 2, problem_type: null }, 2, { problem: 'classification', labels: ['LABEL_0', 'LABEL_1'] }],
  ])('%j with %i outputs', (config, outputs, meaning) => {
    expect(headMeaning(config, outputs, 'x')).toEqual(meaning);
  });

  test.each([
    [{ id2label: { '0': 'a', '1': 'b' } }, 3, 'incompatible'],
    [{ num_labels: 2 }, 3, 'incompatible'],
    [{ id2label: { '0': 'a', '2': 'b' } }, 2, 'format'],
    [{ id2label: { '0': 'a', '1': 'a' } }, 2, 'format'],
    [{ problem_type: 'regression' as const }, 2, 'unsupported'],
    [{ problem_type: 'multi_label_classification' as const }, 2, 'unsupported'],
  ])('refuses %j with %i outputs', (config, outputs, code) => {
    expect(() => headMeaning(config, outputs, 'x')).toThrow(expect.objectContaining({ code }));
  });
});
