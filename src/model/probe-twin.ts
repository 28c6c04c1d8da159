// A small twin to try a device with: one layer of a MiniLM's sizes with random weights and one random expert, so that every operator of a served
// graph runs once, the factors as inputs.

import { createRandom } from '../core/random.ts';
import { floatTensor, sizeOf, type FloatTensor, type Tensor } from '../core/tensor.ts';
import type { BertConfig } from '../contract/hf-config.ts';
import type { FloatPrecision } from '../formats/onnx/graph.ts';
import { bert } from './bert.ts';
import type { ParameterFactors } from './expert-factors.ts';
import { emitOpenTwinGraph } from './open-twin-graph.ts';
import { packedFeeds } from './packed-feeds.ts';
import { twinFeeds } from './twin-feeds.ts';

/** Tokens of a row. */
export const PROBE_TOKENS = 16;

/** The twin. */
export interface ProbeTwin {
  /** ONNX bytes: → `pooled`, `features`, values of about 1. */
  model(precision: FloatPrecision): Uint8Array;
  /** Feeds of `rows` rows. */
  feeds(rows: number): Readonly<Record<string, Tensor>>;
}

const CONFIG: BertConfig = {
  model_type: 'bert',
  vocab_size: 64,
  hidden_size: 384,
  num_hidden_layers: 1,
  num_attention_heads: 12,
  intermediate_size: 1536,
  max_position_embeddings: PROBE_TOKENS,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
};
const RANK = 8;
const DEVIATION = 0.05;

/** The twin, the same in every process. Cost: 3 million random numbers. */
export function createProbeTwin(): ProbeTwin {
  const random = createRandom(1, 'probe');
  const numbers = (length: number, mean = 0): Float32Array =>
    Float32Array.from({ length }, () => mean + DEVIATION * Math.sqrt(12) * (random.uniform() - 0.5));
  const shared = new Map<string, FloatTensor>();
  const matrices = new Set<string>();
  for (const { name, shape } of bert.parameters(CONFIG)) {
    shared.set(name, floatTensor(shape, numbers(sizeOf(shape), name.endsWith('LayerNorm.weight') ? 1 : 0)));
    if (shape.length === 2 && !bert.tables(CONFIG).includes(name)) matrices.add(name);
  }
  const read = (name: string): FloatTensor => shared.get(name) ?? floatTensor([0], new Float32Array());
  const emit = (precision: FloatPrecision) => emitOpenTwinGraph(bert, CONFIG, read, matrices, new Set(), precision);
  const { openings } = emit('fp32');
  const factors = new Map<string, ParameterFactors>();
  for (const name of matrices) {
    const [m, n] = read(name).shape;
    factors.set(name, { rank: RANK, u: numbers(RANK * m), v: numbers(RANK * n) });
  }
  return {
    model: (precision) => emit(precision).model,
    feeds(count) {
      const rows = Array.from({ length: count }, (_, row) => ({
        ids: Int32Array.from({ length: PROBE_TOKENS - (row % 3) }, (_id, t) => (7 * row + 5 * t) % CONFIG.vocab_size),
        types: new Int32Array(PROBE_TOKENS - (row % 3)),
      }));
      const weights = Float32Array.from({ length: count }, (_, row) => (row % 5) / 4);
      return {
        ...packedFeeds(rows),
        ...twinFeeds(openings, { rows, experts: [{ expert: { factors, deltas: new Map(), bytes: 0 }, weights }], tiled: false }),
      };
    },
  };
}
