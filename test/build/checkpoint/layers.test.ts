import { expect, test } from 'vitest';
import { countLayers, depthOf, isBeforeLayers, parseLayerName } from '../../../src/build/checkpoint/layers.ts';

test.each([
  ['model.layers.3.mlp.up_proj.weight', { stack: 'model.layers.', index: 3, rest: '.mlp.up_proj.weight' }],
  ['bert.encoder.layer.11.output.dense.bias', { stack: 'bert.encoder.layer.', index: 11, rest: '.output.dense.bias' }],
  ['h.0.attn.c_attn.weight', { stack: 'h.', index: 0, rest: '.attn.c_attn.weight' }],
  ['decoder.block.2.layer.0.SelfAttention.q.weight', { stack: 'decoder.block.', index: 2, rest: '.layer.0.SelfAttention.q.weight' }],
  ['model.layers.3.experts.layers.1.weight', { stack: 'model.layers.', index: 3, rest: '.experts.layers.1.weight' }],
  ['lm_head.weight', undefined],
  ['graph.5.weight', undefined],
])('%s', (name, parts) => {
  expect(parseLayerName(name)).toEqual(parts);
});

test('stacks are counted apart', () => {
  const names = ['encoder.block.0.w', 'encoder.block.1.w', 'decoder.block.4.w', 'shared.weight'];
  expect([...countLayers(names)]).toEqual([
    ['encoder.block.', 2],
    ['decoder.block.', 5],
  ]);
});

test('depth goes from 0 to 1; the only layer is the last', () => {
  expect([0, 1, 2].map((index) => depthOf(index, 3))).toEqual([0, 0.5, 1]);
  expect(depthOf(0, 1)).toBe(1);
});

test('embeddings come before the layers', () => {
  expect(['model.embed_tokens.weight', 'wte.weight', 'bert.embeddings.LayerNorm.bias', 'shared.weight'].map(isBeforeLayers)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['model.norm.weight', 'lm_head.weight', 'bert.pooler.dense.bias', 'ln_f.weight'].map(isBeforeLayers)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
