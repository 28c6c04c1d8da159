// How unsure a model is of its answers, and the gradients of that with respect to what is learnt.
// Source: Yang et al. 2024, "AdaMerging", arXiv:2310.02575, equation 5.

import type * as tfjs from '@tensorflow/tfjs';
import type { EncoderInputs } from '../../model/architecture.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import type { Tfjs } from '../engine/engine.ts';
import { cutBatches, tokenBatch } from './token-batches.ts';

/** Inside the logarithm, so that a certain answer has one. */
const FLOOR = 1e-8;
/** Tokens of a pass, padding counted; a backward one keeps all that the forward one made. */
export const PASS_TOKENS = 1024;

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

/** Shares of a head's classes, `[B, C]`. */
function sharesOf(tf: Tfjs, pool: Pool, { weight, bias }: HeadTensors, rows: readonly TokenRow[]): tfjs.Tensor {
  return tf.softmax(tf.add(tf.matMul(pool(tokenBatch(tf, rows)), tf.transpose(weight)), bias));
}

/** −Σ p·log(p + 1e-8) over all entries. */
function entropyOf(tf: Tfjs, shares: tfjs.Tensor): tfjs.Scalar {
  return tf.neg(tf.sum(tf.mul(shares, tf.log(tf.add(shares, FLOOR)))));
}

/**
 * Σ over tasks of the mean entropy of its answers, less `diversity` times the entropy of its mean answer.
 * @returns not a number where an answer is none
 */
export async function meanEntropy(tf: Tfjs, pool: Pool, tasks: readonly EntropyTask[], diversity: number): Promise<number> {
  let total = 0;
  for (const { rows, head } of tasks) {
    const sums = tf.tidy(() => {
      const batches = cutBatches(rows, PASS_TOKENS).map((batch) =>
        tf.tidy((): [tfjs.Tensor, tfjs.Tensor] => {
          const shares = sharesOf(tf, pool, head, batch);
          return [entropyOf(tf, shares), tf.sum(shares, 0)];
        }),
      );
      const mean = tf.div(tf.addN(batches.map(([, shares]) => shares)), rows.length);
      return tf.sub(tf.div(tf.addN(batches.map(([entropy]) => entropy)), rows.length), tf.mul(entropyOf(tf, mean), diversity));
    });
    total += (await sums.data())[0];
    sums.dispose();
  }
  return total;
}

/**
 * Gradients of `meanEntropy`; where a task's rows take several passes, the mean answer is that of a pass.
 * @param pool under parameters that are given to it
 * @param moving what gradients are taken to
 * @returns gradients in the order of `moving`; the tensors are the caller's
 */
export function entropyGradients(
  tf: Tfjs,
  pool: (moving: readonly tfjs.Tensor[]) => Pool,
  moving: readonly tfjs.Tensor[],
  tasks: readonly EntropyTask[],
  diversity: number,
): tfjs.Tensor[] {
  let sums: tfjs.Tensor[] = [];
  for (const { rows, head } of tasks) {
    for (const batch of cutBatches(rows, PASS_TOKENS)) {
      const loss = (...own: tfjs.Tensor[]): tfjs.Scalar => {
        const shares = sharesOf(tf, pool(own), head, batch);
        const each = entropyOf(tf, shares);
        // Left out and not multiplied by 0: it costs.
        return diversity === 0 ? each : tf.sub(each, tf.mul(entropyOf(tf, tf.mean(shares, 0)), diversity * batch.length));
      };
      const before = sums;
      sums = tf.tidy(() =>
        tf
          .grads(loss)([...moving])
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
