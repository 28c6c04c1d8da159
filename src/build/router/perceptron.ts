// A multi-layer perceptron as plain data: what the paper's router is once it was trained.
//
// Letters: B rows, m inputs and n outputs of a layer, d inputs of the first, T classes.

import { createGraph } from '../../formats/onnx/graph.ts';

/** Statistics and parameters of a batch normalisation, each `[n]`. */
export interface BatchNorm {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
}

/** `norm(x · weight + bias)`; a leaky rectifier follows every layer but the last. */
export interface Layer {
  /** `[m, n]` */
  readonly weight: Float32Array;
  /** `[n]` */
  readonly bias: Float32Array;
  readonly norm?: BatchNorm;
}

/** Slope of the rectifiers below 0, and what keeps a variance from 0. */
export const LEAK = 0.01;
export const NORM_EPSILON = 1e-5;

/**
 * The same function without normalisations: each becomes part of the layer before it.
 * @returns fresh layers
 */
export function foldNorms(layers: readonly Layer[]): Layer[] {
  return layers.map(({ weight, bias, norm }) => {
    if (norm === undefined) return { weight: weight.slice(), bias: bias.slice() };
    const scale = norm.gamma.map((gamma, j) => gamma / Math.sqrt(norm.variance[j] + NORM_EPSILON));
    return {
      weight: weight.map((value, i) => value * scale[i % scale.length]),
      bias: bias.map((value, j) => (value - norm.mean[j]) * scale[j] + norm.beta[j]),
    };
  });
}

/**
 * Output of the last layer, `[B, T]`, in f32 with sums in f64.
 * @param x `[B, d]`
 */
export function runLayers(layers: readonly Layer[], x: Float32Array, rows: number): Float32Array {
  let input = x;
  for (const [l, { weight, bias, norm }] of layers.entries()) {
    const n = bias.length;
    const m = weight.length / n;
    const output = new Float32Array(rows * n);
    const sums = new Float64Array(n);
    for (let r = 0; r < rows; r++) {
      sums.set(bias);
      for (let i = 0; i < m; i++) {
        const value = input[r * m + i];
        for (let j = 0; j < n; j++) sums[j] += value * weight[i * n + j];
      }
      for (let j = 0; j < n; j++) {
        let y = sums[j];
        if (norm !== undefined) y = ((y - norm.mean[j]) / Math.sqrt(norm.variance[j] + NORM_EPSILON)) * norm.gamma[j] + norm.beta[j];
        output[r * n + j] = y < 0 && l < layers.length - 1 ? LEAK * y : y;
      }
    }
    input = output;
  }
  return input;
}

/** The file of layers without normalisations: `features [B, d]` → `logits [B, T]`. */
export function exportLayers(layers: readonly Layer[]): Uint8Array {
  const graph = createGraph('origin_router');
  let value = graph.input('features', 'float32', ['batch', layers[0].weight.length / layers[0].bias.length]);
  let width = 0;
  for (const [l, { weight, bias }] of layers.entries()) {
    width = bias.length;
    const product = graph.node('MatMul', [value, graph.constant(`weight_${l}`, 'float32', [weight.length / width, width], () => weight)]);
    value = graph.node('Add', [product, graph.constant(`bias_${l}`, 'float32', [width], () => bias)]);
    if (l < layers.length - 1) value = graph.node('LeakyRelu', [value], { alpha: { float: LEAK } });
  }
  graph.output('logits', value, 'float32', ['batch', width]);
  return graph.encode();
}
