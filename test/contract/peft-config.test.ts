import { describe, expect, test } from 'vitest';
import { loraOf, parsePeftConfig } from '../../src/contract/peft-config.ts';

const LORA = { peft_type: 'LORA', r: 8, lora_alpha: 16, bias: 'none', modules_to_save: ['classifier', 'score'] };
const parse = (change: object = {}) => parsePeftConfig({ ...LORA, ...change }, 'x');
const QUERY = 'bert.encoder.layer.1.attention.self.query';

test.each([
  { peft_type: 'IA3' },
  { use_dora: true },
  { lora_bias: true },
  { layer_replication: [[0, 4]] },
  { fan_in_fan_out: true },
  { trainable_token_indices: [1] },
  { target_parameters: ['x'] },
  { use_qalora: true },
  { alora_invocation_tokens: [1, 2] },
  { bias: 'all' },
  { init_lora_weights: 'pissa' },
  { modules_to_save: ['classifier', 'pooler'] },
  { modules_to_save: 'classifier' },
])('refuses %j as unsupported, naming the field', (change) => {
  expect(() => parse(change)).toThrow(expect.objectContaining({ code: 'unsupported', param: Object.keys(change)[0] }));
});

test.each([{ r: 0 }, { r: 1.5 }, { lora_alpha: -1 }, { lora_alpha: Infinity }, { rank_pattern: { a: 0 } }, { use_rslora: 'yes' }])(
  'refuses %j as malformed',
  (change) => {
    expect(() => parse(change)).toThrow(expect.objectContaining({ code: 'format' }));
  },
);

test('lets switches pass that are off and fields that change nothing', () => {
  const config = parse({
    use_dora: false,
    layer_replication: null,
    target_parameters: [],
    loftq_config: {},
    lora_dropout: 0.1,
    peft_version: '9',
    init_lora_weights: true,
  });
  expect(loraOf(config, QUERY)).toEqual({ rank: 8, scaling: 2 });
});

describe('rank and scaling', () => {
  test('rsLoRA divides by the root of the rank', () => {
    expect(loraOf(parse({ r: 16, use_rslora: true }), QUERY)).toEqual({ rank: 16, scaling: 4 });
  });

  test.each([
    ['query', 4],
    ['self.query', 4],
    [QUERY, 4],
    ['layer.1.attention.self.query', 4],
    ['layer\\.1\\..*query', 4],
    ['layer.[0-3].attention.self.query', 4],
    ['layer.\\d.attention.self.(query|key)', 4],
    ['key|query', 4],
    ['^bert.*query', 4],
    ['uery', 8],
    ['layer.1', 8],
    ['^encoder.*query', 8],
    ['layer.2.attention.self.query', 8],
  ])('pattern %s gives rank %i', (pattern, rank) => {
    expect(loraOf(parse({ rank_pattern: { [pattern]: 4 } }), QUERY)).toEqual({ rank, scaling: 16 / rank });
  });

  test('the first pattern that matches counts, and alpha has its own', () => {
    const config = parse({ rank_pattern: { key: 2, query: 4, 'self.query': 1 }, alpha_pattern: { query: 32 } });
    expect(loraOf(config, QUERY)).toEqual({ rank: 4, scaling: 8 });
    expect(loraOf(config, 'bert.pooler.dense')).toEqual({ rank: 8, scaling: 2 });
  });
});

test.each(['(a+)+$', '(.*)*', '.*.*.*x', 'a{1000}{1000}', '(?=x)', '\\1', '(a|a)*b', 'x'.repeat(600)])(
  'refuses the pattern %s, which could take long or is none',
  (pattern) => {
    expect(() => parse({ rank_pattern: { [pattern]: 4 } })).toThrow(expect.objectContaining({ code: 'unsupported' }));
  },
);

test('refuses a pattern that is no expression', () => {
  expect(() => parse({ alpha_pattern: { '+a': 4 } })).toThrow(expect.objectContaining({ code: 'format' }));
});
