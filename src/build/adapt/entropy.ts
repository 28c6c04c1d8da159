// How unsure a model is of its answers, and the gradients of that with respect to what is learnt.
// Source: Yang et al. 2024, "AdaMerging", arXiv:2310.02575, equation 5.

import type * as tfjs from '@tensorflow/tfjs';
import type { EncoderInputs } from '../../model/architecture.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import type { Tfjs } from '../engine/engine.ts';
import { cutBatches, tokenBatch } from './token-batches.ts';

/** Inside the logarithm, so that a certain answer has one. */
const FLOOR = 1e-8;
/** Tokens of a forward pass; with the backward one below, what bounds memory beside the model. */
const PASS_TOKENS = 1024;
/** Tokens of a backward pass, which keeps all that the forward one made. */
const STEP_TOKENS = 512;

/** A head on the engine: `weight [C, d]`, `bias [C]`. */
export interface HeadTensors {
  readonly weight: tfjs.Tensor;
  readonly bias: tfjs.Tensor;
}

/** Texts of a task with the head that answers them. */
export interface EntropyTask {
  readonly rows: readonly TokenRow[];
  readonly head: HeadTensors;
}

/** What heads read of a batch, `[B, d]`, under parameters of the caller's. */
export type Pool = (inputs: EncoderInputs<tfjs.Tensor>) => tfjs.Tensor;

/** Σ over rows of −Σ_c p·log(p + 1e-8), p = softmax of a head's logits. */
function entropySum(tf: Tfjs, pool: Pool, head: HeadTensors, rows: readonly TokenRow[]): tfjs.Scalar {
  return tf.tidy(() => {
    const pooled = pool(tokenBatch(tf, rows));
    const shares = tf.softmax(tf.add(tf.matMul(pooled, tf.transpose(head.weight)), head.bias)); // [B, C]
    return tf.neg(tf.sum(tf.mul(shares, tf.log(tf.add(shares, FLOOR)))));
  });
}

/** Σ over tasks of the mean entropy. */
export async function meanEntropy(tf: Tfjs, pool: Pool, tasks: readonly EntropyTask[]): Promise<number> {
  let total = 0;
  for (const { rows, head } of tasks) {
    for (const batch of cutBatches(rows, PASS_TOKENS)) {
      const sum = entropySum(tf, pool, head, batch);
      total += (await sum.data())[0] / rows.length;
      sum.dispose();
    }
  }
  return total;
}

/**
 * Gradients of `meanEntropy`.
 * @param pool under parameters that are given to it
 * @param moving what gradients are taken to
 * @returns gradients in the order of `moving`; the tensors are the caller's
 */
export function entropyGradients(
  tf: Tfjs,
  pool: (moving: readonly tfjs.Tensor[]) => Pool,
  moving: readonly tfjs.Tensor[],
  tasks: readonly EntropyTask[],
): tfjs.Tensor[] {
  let sums: tfjs.Tensor[] = [];
  for (const { rows, head } of tasks) {
    for (const batch of cutBatches(rows, STEP_TOKENS)) {
      const before = sums;
      sums = tf.tidy(() =>
        tf
          .grads((...own: tfjs.Tensor[]) => entropySum(tf, pool(own), head, batch))([...moving])
          .map((gradient, place) => {
            const scaled = tf.div(gradient, rows.length);
            return before.length === 0 ? scaled : tf.add(before[place], scaled);
          }),
      );
      tf.dispose(before);
    }
  }
  return sums;
}
