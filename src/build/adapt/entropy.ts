// How unsure a model is of its answers, and the gradients of that with respect to its weights.
// Source: Yang et al. 2024, "AdaMerging", arXiv:2310.02575, equation 5.

import type * as tfjs from '@tensorflow/tfjs';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import type { OpenArchitecture } from '../../model/registry.ts';
import { encodeBatch } from '../../model/tfjs-executor.ts';
import type { Tfjs } from '../engine/engine.ts';
import { tokenBatch } from './token-batches.ts';

/** Inside the logarithm, so that a certain answer has one. */
const FLOOR = 1e-8;

/** A head on the engine: `weight [C, d]`, `bias [C]`. */
export interface HeadTensors {
  readonly weight: tfjs.Tensor;
  readonly bias: tfjs.Tensor;
}

/** Σ over rows of −Σ_c p·log(p + 1e-8), p = softmax of a head's logits. */
export function entropySum(
  tf: Tfjs,
  model: OpenArchitecture,
  parameter: (name: string) => tfjs.Tensor,
  head: HeadTensors,
  rows: readonly TokenRow[],
): tfjs.Scalar {
  return tf.tidy(() => {
    const { pooled } = encodeBatch(tf, model.architecture, model.config, parameter, tokenBatch(tf, rows));
    const shares = tf.softmax(tf.add(tf.matMul(pooled, tf.transpose(head.weight)), head.bias)); // [B, C]
    return tf.neg(tf.sum(tf.mul(shares, tf.log(tf.add(shares, FLOOR)))));
  });
}

/**
 * Gradients of the summed entropy of rows.
 * @param names parameters to which gradients are taken
 * @param weights their values, in that order
 * @param fixed every other parameter
 * @returns gradients in the order of `names`; the tensors are the caller's
 */
export function entropyGradients(
  tf: Tfjs,
  model: OpenArchitecture,
  names: readonly string[],
  weights: readonly tfjs.Tensor[],
  fixed: (name: string) => tfjs.Tensor,
  head: HeadTensors,
  rows: readonly TokenRow[],
): tfjs.Tensor[] {
  const places = new Map(names.map((name, i) => [name, i]));
  return tf.tidy(() =>
    tf.grads((...moving: tfjs.Tensor[]) => {
      const parameter = (name: string): tfjs.Tensor => {
        const place = places.get(name);
        return place === undefined ? fixed(name) : moving[place];
      };
      return entropySum(tf, model, parameter, head, rows);
    })([...weights]),
  );
}
