// The dense part of the router's loss and its gradients, in tfjs. The bag is a sparse product, for which tfjs has no kernel: it is
// added up outside, and its gradient handed back, so that a step costs the same on every engine.

import type { Tfjs } from '../engine/engine.ts';
import { type Network, SLOPE } from './network.ts';

/** Gradients of a batch's mean loss. */
export interface HeadGradients {
  /** With respect to the bags, `[rows, d]`. */
  readonly bags: Float32Array;
  /** `[d, T]` */
  readonly weight: Float32Array;
  /** `[T]` */
  readonly bias: Float32Array;
}

/**
 * Gradients of the cross-entropy with label smoothing.
 * @param bags `[rows, d]`
 * @param labels class of each row
 * @param smoothing share of the label that is spread over all classes
 */
export async function headGradients(
  tf: Tfjs,
  network: Network,
  bags: Float32Array,
  labels: Int32Array,
  smoothing: number,
): Promise<HeadGradients> {
  const { width, classes } = network;
  const rows = labels.length;
  const targets = new Float32Array(rows * classes).fill(smoothing / classes);
  for (let i = 0; i < rows; i++) targets[i * classes + labels[i]] += 1 - smoothing;
  const gradients = tf.tidy(() => {
    const target = tf.tensor2d(targets, [rows, classes]);
    return tf.grads((x, w, b) => tf.losses.softmaxCrossEntropy(target, tf.add(tf.matMul(tf.leakyRelu(x, SLOPE), w), b)))([
      tf.tensor2d(bags, [rows, width]),
      tf.tensor2d(network.weight, [width, classes]),
      tf.tensor1d(network.bias),
    ]);
  });
  try {
    const [bagGradient, weight, bias] = await Promise.all(gradients.map(async (gradient) => Float32Array.from(await gradient.data())));
    return { bags: bagGradient, weight, bias };
  } finally {
    tf.dispose(gradients);
  }
}
