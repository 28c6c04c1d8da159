// The light router's network: an embedding bag, a leaky rectifier, and a linear layer; a perceptron with one hidden layer whose input
// is as wide as the number of buckets and almost everywhere 0.
//
// Letters: B buckets, d width, F features of an input, T classes.

import type { Bag } from '../../core/routing/bag.ts';

/** Slope of the rectifier below 0. */
export const SLOPE = 0.1;

/** Parameters, owned by the network. */
export interface Network {
  readonly width: number;
  readonly classes: number;
  /** `[B, d]` */
  readonly table: Float32Array;
  /** `[d, T]` */
  readonly weight: Float32Array;
  /** `[T]` */
  readonly bias: Float32Array;
}

/**
 * Adds a bag's weighted rows of the table to `out`.
 * @param out `[d]`, from `offset` on
 */
export function addBag({ table, width }: Network, { ids, weights }: Bag, out: Float32Array, offset = 0): void {
  for (let i = 0; i < ids.length; i++) {
    const row = ids[i] * width;
    const weight = weights[i];
    for (let k = 0; k < width; k++) out[offset + k] += weight * table[row + k];
  }
}

/** Logits of a bag, `[T]`. Cost: O(F · d). */
export function logitsOf(network: Network, bag: Bag): Float32Array {
  const { width, classes, weight, bias } = network;
  const hidden = new Float32Array(width);
  addBag(network, bag, hidden);
  const logits = Float32Array.from(bias);
  for (let k = 0; k < width; k++) {
    const value = hidden[k] > 0 ? hidden[k] : SLOPE * hidden[k];
    for (let t = 0; t < classes; t++) logits[t] += value * weight[k * classes + t];
  }
  return logits;
}
