// A fitted network as router.onnx: the table as int8 with a scale per row, dequantised only where rows are gathered.
//
// Letters: B buckets, d width, F features of an input, T classes.

import { createGraph } from '../../formats/onnx/graph.ts';
import { type Network, SLOPE } from './network.ts';

/** A network whose table was rounded to int8. */
export interface QuantizedNetwork {
  /** The network that the file computes: `table` dequantised. */
  readonly network: Network;
  /** `[B, d]` */
  readonly codes: Int8Array;
  /** `[B]`; row b of the table is `codes[b] · scales[b]`. */
  readonly scales: Float32Array;
}

/** The nearest network with an int8 table. The largest magnitude of each row becomes ±127. */
export function quantizeNetwork(network: Network): QuantizedNetwork {
  const { width, table } = network;
  const scales = new Float32Array(table.length / width);
  const codes = new Int8Array(table.length);
  const rounded = new Float32Array(table.length);
  for (let b = 0; b < scales.length; b++) {
    let largest = 0;
    for (let i = b * width; i < (b + 1) * width; i++) largest = Math.max(largest, Math.abs(table[i]));
    if (largest === 0) continue;
    scales[b] = largest / 127;
    for (let i = b * width; i < (b + 1) * width; i++) {
      codes[i] = Math.round(table[i] / scales[b]);
      rounded[i] = codes[i] * scales[b];
    }
  }
  return { network: { ...network, table: rounded }, codes, scales };
}

/** The file of a network: `ids` int32 `[F]`, `weights` `[F]` → `logits` `[1, T]`. */
export function exportNetwork({ network, codes, scales }: QuantizedNetwork): Uint8Array {
  const { width, classes, weight, bias } = network;
  const graph = createGraph('router');
  const ids = graph.input('ids', 'int32', ['features']);
  const weights = graph.input('weights', 'float32', ['features']);
  const rows = graph.node('Gather', [graph.constant('table', 'int8', [scales.length, width], () => codes), ids]); // [F, d]
  const scale = graph.node('Gather', [graph.constant('scales', 'float32', [scales.length], () => scales), ids]); // [F]
  const scaled = graph.node('Unsqueeze', [graph.node('Mul', [weights, scale]), graph.ints([0])]); // [1, F]
  const bag = graph.node('MatMul', [scaled, graph.node('Cast', [rows], { to: { int: FLOAT } })]); // [1, F] · [F, d] → [1, d]
  const hidden = graph.node('LeakyRelu', [bag], { alpha: { float: SLOPE } });
  const product = graph.node('MatMul', [hidden, graph.constant('weight', 'float32', [width, classes], () => weight)]); // [1, T]
  graph.output('logits', graph.node('Add', [product, graph.constant('bias', 'float32', [classes], () => bias)]), 'float32', [1, classes]);
  return graph.encode();
}

/** ONNX's number for f32. */
const FLOAT = 1;
