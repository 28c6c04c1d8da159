// Learning over centred states: the mean of what gates read, and how it goes into their biases when they are learnt. An affine change of
// the numbers that are learnt, and none of what gates can say.
//
// Letters: d width.

import type * as tfjs from '@tensorflow/tfjs';
import { sizeOf } from '../../core/tensor.ts';
import type { EncoderInputs, ParameterSpec } from '../../model/architecture.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import type { LinearTap } from '../../model/tfjs-executor.ts';
import type { Tfjs } from '../engine/engine.ts';
import { PASS_TOKENS } from './entropy.ts';
import { cutBatches, tokenBatch } from './token-batches.ts';

/** Mean over the tokens of all rows of what linear layers read, `[d, 1]` by layer; a layer that is asked several times a pass has one mean. */
export function meanInputs(
  tf: Tfjs,
  layers: ReadonlySet<string>,
  rows: readonly TokenRow[],
  encode: (inputs: EncoderInputs<tfjs.Tensor>, tap: LinearTap) => unknown,
): ReadonlyMap<string, tfjs.Tensor> {
  const sums = new Map<string, tfjs.Tensor>();
  const counts = new Map<string, number>();
  for (const batch of cutBatches(rows, PASS_TOKENS)) {
    tf.tidy(() => {
      const inputs = tokenBatch(tf, batch);
      encode(inputs, (layer, x) => {
        if (!layers.has(layer)) return;
        const [b, t, d] = x.shape;
        const flat = tf.reshape(t === 1 ? x : tf.mul(x, tf.expandDims(tf.cast(inputs.mask, 'float32'), 2)), [b * t, d]);
        const sum = tf.sum(flat, 0);
        const known = sums.get(layer);
        sums.set(layer, tf.keep(known === undefined ? sum : tf.add(known, sum)));
        known?.dispose();
        counts.set(layer, (counts.get(layer) ?? 0) + (t === 1 ? b : batch.reduce((total, { ids }) => total + ids.length, 0)));
      });
    });
  }
  return new Map(
    [...sums].map(([layer, sum]) => {
      const mean = tf.tidy(() => tf.reshape(tf.div(sum, counts.get(layer) ?? 1), [sum.size, 1]));
      sum.dispose();
      return [layer, mean];
    }),
  );
}

/**
 * Parameters over states from parameters over centred ones: b − W·mean for each layer with a mean.
 * @param values the parameters of `specs`, one after another
 */
export function foldCentres(
  specs: readonly ParameterSpec[],
  values: readonly number[],
  means: ReadonlyMap<string, Float32Array>,
): number[] {
  const starts = new Map<string, number>();
  let next = 0;
  for (const { name, shape } of specs) {
    starts.set(name, next);
    next += sizeOf(shape);
  }
  const folded = [...values];
  for (const { name, shape } of specs) {
    const layer = name.slice(0, -'.bias'.length);
    const mean = name.endsWith('.bias') ? means.get(layer) : undefined;
    const [weight, bias] = [starts.get(`${layer}.weight`), starts.get(name)];
    if (mean === undefined || weight === undefined || bias === undefined) continue;
    for (let i = 0; i < shape[0]; i++)
      for (let j = 0; j < mean.length; j++) folded[bias + i] -= values[weight + i * mean.length + j] * mean[j];
  }
  return folded;
}
