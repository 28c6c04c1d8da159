// The BERT encoder: post-norm transformer layers over word, position and segment embeddings, and a tanh pooler over the first token.
// Source: Devlin et al. 2018, arXiv:1810.04805; names and shapes as Hugging Face's BertModel stores them.

import type { BertConfig } from '../contract/hf-config.ts';
import type { Architecture, ParameterSpec } from './architecture.ts';

const EMBEDDINGS = 'embeddings';
const POOLER = 'pooler.dense';

/** The BERT encoder. */
export const bert: Architecture<BertConfig> = {
  type: 'bert',
  prefixes: ['bert.', ''],

  parameters(config) {
    const { hidden_size: d, intermediate_size: inner } = config;
    const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => {
      const { query, key, value, attended, attendedNorm, up, down, norm } = namesOf(i);
      return [
        ...layerNorm(attendedNorm, d),
        ...linear(attended, d, d),
        ...linear(key, d, d),
        ...linear(query, d, d),
        ...linear(value, d, d),
        ...linear(up, inner, d),
        ...layerNorm(norm, d),
        ...linear(down, d, inner),
      ];
    });
    return [
      ...layerNorm(`${EMBEDDINGS}.LayerNorm`, d),
      { name: `${EMBEDDINGS}.position_embeddings.weight`, shape: [config.max_position_embeddings, d] },
      { name: `${EMBEDDINGS}.token_type_embeddings.weight`, shape: [config.type_vocab_size, d] },
      { name: `${EMBEDDINGS}.word_embeddings.weight`, shape: [config.vocab_size, d] },
      ...layers.flat(),
      ...linear(POOLER, d, d),
    ];
  },

  parts: (config) =>
    Array.from({ length: config.num_hidden_layers }, (_, i) => {
      const { layer, up, down } = namesOf(i);
      return { name: layer, parameters: [up, down].flatMap((name) => [`${name}.bias`, `${name}.weight`]) };
    }),

  tables: () => ['position', 'token_type', 'word'].map((kind) => `${EMBEDDINGS}.${kind}_embeddings.weight`),

  width: (config) => config.hidden_size,

  encode(ops, config, { ids, mask, types }) {
    const heads = config.num_attention_heads;
    const scale = 1 / Math.sqrt(config.hidden_size / heads);
    const words = ops.embed(`${EMBEDDINGS}.word_embeddings`, ids);
    const segments = ops.embed(`${EMBEDDINGS}.token_type_embeddings`, types);
    const positions = ops.embedPositions(`${EMBEDDINGS}.position_embeddings`, ids);
    let hidden = ops.layerNorm(`${EMBEDDINGS}.LayerNorm`, ops.add(ops.add(words, segments), positions), config.layer_norm_eps);
    for (let i = 0; i < config.num_hidden_layers; i++) {
      const names = namesOf(i);
      const [query, key, value] = [ops.linear(names.query, hidden), ops.linear(names.key, hidden), ops.linear(names.value, hidden)];
      const attended = ops.linear(names.attended, ops.attention(query, key, value, mask, { heads, scale }));
      hidden = ops.layerNorm(names.attendedNorm, ops.add(attended, hidden), config.layer_norm_eps);
      const mlp = ops.gated(names.layer, hidden, mask);
      const inner = mlp.linear(names.down, mlp.gelu(mlp.linear(names.up, hidden)));
      hidden = ops.layerNorm(names.norm, ops.add(inner, hidden), config.layer_norm_eps);
    }
    return { hidden, pooled: ops.tanh(ops.linear(POOLER, ops.firstToken(hidden))) };
  },
};

/** Names of the modules of layer `i`. */
function namesOf(i: number) {
  const layer = `encoder.layer.${i}`;
  return {
    layer,
    query: `${layer}.attention.self.query`,
    key: `${layer}.attention.self.key`,
    value: `${layer}.attention.self.value`,
    attended: `${layer}.attention.output.dense`,
    attendedNorm: `${layer}.attention.output.LayerNorm`,
    up: `${layer}.intermediate.dense`,
    down: `${layer}.output.dense`,
    norm: `${layer}.output.LayerNorm`,
  };
}

function linear(name: string, m: number, n: number): readonly ParameterSpec[] {
  return [
    { name: `${name}.bias`, shape: [m] },
    { name: `${name}.weight`, shape: [m, n] },
  ];
}

function layerNorm(name: string, d: number): readonly ParameterSpec[] {
  return [
    { name: `${name}.bias`, shape: [d] },
    { name: `${name}.weight`, shape: [d] },
  ];
}
