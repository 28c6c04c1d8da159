// Tiny random encoders with random experts, and what a batch through them is fed with.

import type { BertConfig } from '../../src/contract/hf-config.ts';
import type { Random } from '../../src/core/random.ts';
import { floatTensor, sizeOf, type FloatTensor, type Tensor, type TensorOf } from '../../src/core/tensor.ts';
import { bert } from '../../src/model/bert.ts';
import type { ExclusiveModule, GraphExpert, GraphHead } from '../../src/model/twin-parameters.ts';

/** A shared model with experts. */
export interface RandomTwin {
  readonly config: BertConfig;
  readonly shared: ReadonlyMap<string, FloatTensor>;
  readonly experts: readonly GraphExpert[];
  readonly heads: readonly GraphHead[];
}

/** One request. */
export interface RandomRow {
  readonly ids: readonly number[];
  readonly types: readonly number[];
}

/** A tensor by name, as graphs and executors ask for it. */
export function lookUp(parameters: ReadonlyMap<string, FloatTensor>): (name: string) => FloatTensor {
  return (name) => {
    const tensor = parameters.get(name);
    if (tensor === undefined) throw new Error(`no parameter ${name}`);
    return tensor;
  };
}

/** Random sizes, weights, and experts that each change some tensors by random ranks, some vectors, and leave the rest. */
export function randomTwin(random: Random): RandomTwin {
  const heads = 1 + random.below(3);
  const config: BertConfig = {
    model_type: 'bert',
    vocab_size: 8 + random.below(30),
    hidden_size: heads * (2 + random.below(4)),
    num_hidden_layers: 1 + random.below(2),
    num_attention_heads: heads,
    intermediate_size: 3 + random.below(16),
    max_position_embeddings: 12,
    type_vocab_size: 2,
    layer_norm_eps: 1e-12,
  };
  const specs = bert.parameters(config);
  const shared = new Map(
    specs.map(({ name, shape }) => [name, randomTensor(random, shape, 0.4, name.endsWith('LayerNorm.weight') ? 1 : 0)]),
  );
  const experts = Array.from({ length: 1 + random.below(4) }, (_, e) => {
    const modules = new Map<string, ExclusiveModule>();
    for (const { name, shape } of specs) {
      if (random.uniform() < 0.4) continue;
      if (shape.length === 1) modules.set(name, { kind: 'whole', delta: randomTensor(random, shape, 0.1) });
      else {
        const rank = 1 + random.below(Math.min(5, ...shape));
        modules.set(name, {
          kind: 'factored',
          u: randomTensor(random, [shape[0], rank], 0.2),
          v: randomTensor(random, [rank, shape[1]], 0.2),
        });
      }
    }
    return { name: `e${e}`, module: (parameter: string) => modules.get(parameter) };
  });
  const outputs = experts.map(() => {
    const classes = 1 + random.below(4);
    return { weight: randomTensor(random, [classes, config.hidden_size], 0.5), bias: randomTensor(random, [classes], 0.5) };
  });
  return { config, shared, experts, heads: outputs };
}

/** A request of 1 to 12 tokens. */
export function randomRow(random: Random, config: BertConfig): RandomRow {
  const ids = Array.from({ length: 1 + random.below(config.max_position_embeddings) }, () => random.below(config.vocab_size));
  return { ids, types: ids.map(() => random.below(2)) };
}

/** An empty, one-hot, sparse or dense mix. */
export function randomMix(random: Random, experts: number): readonly number[] {
  const kept = [0, 1 / experts, 0.5, 1][random.below(4)];
  const raw = Array.from({ length: experts }, () => (random.uniform() < kept ? random.uniform() : 0));
  const sum = raw.reduce((total, weight) => total + weight, 0);
  return raw.map((weight) => (sum > 0 ? weight / sum : 0));
}

/** Parameters of the dense merge `W_s + Σ mix[e] · U_e · V_e`, summed in f64. */
export function mergeDense(
  { shared, experts }: Pick<RandomTwin, 'shared' | 'experts'>,
  mix: readonly number[],
): ReadonlyMap<string, FloatTensor> {
  const merged = new Map<string, FloatTensor>();
  for (const [name, tensor] of shared) {
    const parts = experts.flatMap((expert, e) => {
      const module = mix[e] === 0 ? undefined : expert.module(name);
      return module === undefined ? [] : [{ module, weight: mix[e] }];
    });
    if (parts.length === 0) {
      merged.set(name, tensor);
      continue;
    }
    const sum = Float64Array.from(tensor.data);
    for (const { module, weight } of parts) {
      if (module.kind === 'factored') addProduct(sum, module.u, module.v, weight);
      else module.delta.data.forEach((value, i) => (sum[i] += weight * value));
    }
    merged.set(name, floatTensor(tensor.shape, Float32Array.from(sum)));
  }
  return merged;
}

/** Feeds of a graph for rows padded to the longest, or to `tokens`. */
export function feedsOf(
  rows: readonly RandomRow[],
  mixes?: readonly (readonly number[])[],
  tokens = Math.max(...rows.map((row) => row.ids.length)),
): Record<string, Tensor> {
  const grid = (value: (row: RandomRow, t: number) => number): TensorOf<'int64'> => ({
    dtype: 'int64',
    shape: [rows.length, tokens],
    data: BigInt64Array.from(rows.flatMap((row) => Array.from({ length: tokens }, (_, t) => BigInt(value(row, t))))),
  });
  return {
    input_ids: grid((row, t) => row.ids[t] ?? 0),
    attention_mask: grid((row, t) => (t < row.ids.length ? 1 : 0)),
    token_type_ids: grid((row, t) => row.types[t] ?? 0),
    ...(mixes === undefined ? {} : { mix: floatTensor([rows.length, mixes[0].length], Float32Array.from(mixes.flat())) }),
  };
}

/** Row `i` of an output `[rows, width]`. */
export function rowOf(tensor: Tensor, i: number): Float32Array {
  if (tensor.dtype !== 'float32') throw new Error(`expected float32, got ${tensor.dtype}`);
  const width = tensor.data.length / tensor.shape[0];
  return tensor.data.subarray(i * width, (i + 1) * width);
}

function addProduct(sum: Float64Array, u: FloatTensor, v: FloatTensor, weight: number): void {
  const [m, rank] = u.shape;
  const n = v.shape[1];
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < rank; k++) {
      const factor = weight * u.data[i * rank + k];
      for (let j = 0; j < n; j++) sum[i * n + j] += factor * v.data[k * n + j];
    }
  }
}

function randomTensor(random: Random, shape: readonly number[], deviation: number, mean = 0): FloatTensor {
  return floatTensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => mean + deviation * random.normal()),
  );
}
