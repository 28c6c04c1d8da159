// A router of the real one's operators, small and random, and the same sums in plain TypeScript.

import { createRandom } from '../../../src/core/random.ts';
import type { Bag } from '../../../src/core/routing/bag.ts';
import { createGraph } from '../../../src/formats/onnx/graph.ts';
import { FEATURES } from './assets.ts';

const WIDTH = 8;
const CLASSES = 3;
const random = createRandom(5, 'tiny router');
const table = Int8Array.from({ length: FEATURES.buckets * WIDTH }, () => random.below(255) - 127);
const scales = Float32Array.from({ length: FEATURES.buckets }, () => 0.01 + 0.01 * random.uniform());
const weight = Float32Array.from({ length: WIDTH * CLASSES }, () => random.normal());

/** `ids` int32 `[F]`, `weights` `[F]` → `logits` `[1, 3]`. */
export function tinyRouter(): Uint8Array {
  const graph = createGraph('router');
  const ids = graph.input('ids', 'int32', ['F']);
  const weights = graph.input('weights', 'float32', ['F']);
  const rows = graph.node('Cast', [graph.node('Gather', [graph.constant('table', 'int8', [FEATURES.buckets, WIDTH], () => table), ids])], {
    to: { int: 1 },
  });
  const scaled = graph.node('Mul', [
    weights,
    graph.node('Gather', [graph.constant('scales', 'float32', [FEATURES.buckets], () => scales), ids]),
  ]);
  const bag = graph.node('MatMul', [graph.node('Unsqueeze', [scaled, graph.ints([0])]), rows]);
  const hidden = graph.node('LeakyRelu', [bag], { alpha: { float: 0.1 } });
  graph.output('logits', graph.node('MatMul', [hidden, graph.constant('weight', 'float32', [WIDTH, CLASSES], () => weight)]), 'float32', [
    1,
    CLASSES,
  ]);
  return graph.encode();
}

/** The logits of a bag, in f64. */
export function tinyLogits({ ids, weights }: Bag): Float64Array {
  const logits = new Float64Array(CLASSES);
  for (let d = 0; d < WIDTH; d++) {
    let sum = 0;
    for (let f = 0; f < ids.length; f++) sum += weights[f] * scales[ids[f]] * table[ids[f] * WIDTH + d];
    const hidden = sum < 0 ? 0.1 * sum : sum;
    for (let c = 0; c < CLASSES; c++) logits[c] += hidden * weight[d * CLASSES + c];
  }
  return logits;
}
