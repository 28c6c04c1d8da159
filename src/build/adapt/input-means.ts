// Means over tokens of something that is computed from what linear layers read.

import type * as tfjs from '@tensorflow/tfjs';
import type { EncoderInputs } from '../../model/architecture.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import type { LinearTap } from '../../model/tfjs-executor.ts';
import type { Tfjs } from '../engine/engine.ts';
import { PASS_TOKENS } from './entropy.ts';
import { cutBatches, tokenBatch } from './token-batches.ts';

/**
 * Statistics over the tokens of all rows, divided by the tokens, by layer; a layer that is asked several times a pass has one mean.
 * @param encode runs the encoder on a batch and shows what its linear layers read
 * @param sum of a layer's inputs `[tokens, n]`, in which padding is zero; undefined for a layer that has no statistic
 * Cost: a forward pass over the rows; the caller disposes of the means
 */
export function meanOfInputs(
  tf: Tfjs,
  rows: readonly TokenRow[],
  encode: (inputs: EncoderInputs<tfjs.Tensor>, tap: LinearTap) => unknown,
  sum: (layer: string, kept: () => tfjs.Tensor2D) => tfjs.Tensor | undefined,
): Map<string, tfjs.Tensor> {
  const sums = new Map<string, tfjs.Tensor>();
  const counts = new Map<string, number>();
  for (const batch of cutBatches(rows, PASS_TOKENS)) {
    tf.tidy(() => {
      const inputs = tokenBatch(tf, batch);
      const tokens = batch.reduce((total, { ids }) => total + ids.length, 0);
      encode(inputs, (layer, x) => {
        const [b, t, n] = x.shape;
        const isPooled = t === 1;
        const own = sum(layer, () => tf.reshape(isPooled ? x : tf.mul(x, tf.expandDims(tf.cast(inputs.mask, 'float32'), 2)), [b * t, n]));
        if (own === undefined) return;
        const known = sums.get(layer);
        sums.set(layer, tf.keep(known === undefined ? own : tf.add(known, own)));
        known?.dispose();
        counts.set(layer, (counts.get(layer) ?? 0) + (isPooled ? b : tokens));
      });
    });
  }
  return new Map(
    [...sums].map(([layer, total]) => {
      const mean = tf.div(total, counts.get(layer) ?? 1);
      total.dispose();
      return [layer, mean];
    }),
  );
}
