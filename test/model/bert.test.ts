import { expect, test } from 'vitest';
import { openArchitecture } from '../../src/model/registry.ts';
import { readBase, sharedIsPresent } from './shared-models.ts';

const CONFIG = {
  model_type: 'bert',
  vocab_size: 10,
  hidden_size: 6,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 8,
  max_position_embeddings: 5,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
};

test.skipIf(!sharedIsPresent)('the parameters are exactly the tensors of a checkpoint, with their shapes (needs ../shared)', async () => {
  const { config, parameters } = await readBase();
  const listed = openArchitecture('bert', config).parameters.map(({ name, shape }) => [name, shape]);
  expect(listed).toEqual([...parameters].map(([name, { shape }]) => [name, shape]));
});

test('an opened architecture knows its sizes', () => {
  const { parameters, width } = openArchitecture('bert', { ...CONFIG, id2label: { 0: 'no' } });
  expect(width).toBe(6);
  expect(parameters).toHaveLength(5 + 16 + 2);
});

test('an unknown model_type is refused with the known ones', () => {
  expect(() => openArchitecture('gpt2', CONFIG)).toThrow(
    expect.objectContaining({ code: 'unsupported', message: expect.stringMatching(/expected bert, got "gpt2"/) }),
  );
});

test.each([
  ['heads that do not divide the width', { num_attention_heads: 4 }, 'format'],
  ['a size of nothing', { vocab_size: 0 }, 'format'],
  ['another activation', { hidden_act: 'relu' }, 'unsupported'],
])('%s is refused', (_, change, code) => {
  expect(() => openArchitecture('bert', { ...CONFIG, ...change })).toThrow(expect.objectContaining({ code }));
});
