import { expect, test } from 'vitest';
import { countMacs } from '../../src/model/count-macs.ts';
import { openArchitecture } from '../../src/model/registry.ts';

const [d, inner, layers, tokens] = [6, 8, 2, 5];
const model = openArchitecture('bert', {
  model_type: 'bert',
  vocab_size: 10,
  hidden_size: d,
  num_hidden_layers: layers,
  num_attention_heads: 2,
  intermediate_size: inner,
  max_position_embeddings: 16,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  id2label: { 0: 'no' },
});

test('a plain model costs its matrices for every token, the pooler and heads once, and attention by pairs', () => {
  expect(countMacs(model, tokens, { size: () => 0, classes: 3 })).toEqual({
    shared: tokens * layers * (4 * d * d + 2 * d * inner) + d * d,
    attention: 2 * layers * tokens * tokens * d,
    modules: 0,
    heads: 3 * d,
  });
});

test('factors cost their rank for every token that passes; vectors once a request; tables one side alone', () => {
  const macs = (name: string): number =>
    countMacs(model, tokens, { size: (parameter) => (parameter === name ? 3 : 0), classes: 1 }).modules;
  expect(macs('encoder.layer.1.intermediate.dense.weight')).toBe(tokens * 3 * (d + inner));
  expect(macs('pooler.dense.weight')).toBe(3 * (d + d));
  expect(macs('encoder.layer.0.output.dense.bias')).toBe(3 * d);
  expect(macs('embeddings.LayerNorm.weight')).toBe(3 * d);
  expect(macs('embeddings.word_embeddings.weight')).toBe(tokens * 3 * d);
  expect(macs('embeddings.position_embeddings.weight')).toBe(tokens * 3 * d);
});
