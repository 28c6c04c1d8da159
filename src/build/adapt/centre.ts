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
import { meanOfInputs } from './input-means.ts';

/** Mean over the tokens of all rows of what linear layers read, `[d, 1]` by layer; a layer that is asked several times a pass has one mean. */
export function meanInputs(
  tf: Tfjs,
  layers: ReadonlySet<string>,
  rows: readonly TokenRow[],
  encode: (inputs: EncoderInputs<tfjs.Tensor>, tap: LinearTap) => unknown,
): ReadonlyMap<string, tfjs.Tensor> {
  return meanOfInputs(tf, rows, encode, (layer, kept) => (layers.has(layer) ? tf.transpose(tf.sum(kept(), 0, true)) : undefined));
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
