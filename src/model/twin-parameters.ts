// The weights behind a graph's parameter names: the shared model's tensors, and what each resident expert adds to them.
//
// Letters: E experts, m × n a matrix, r rank, C classes, d width.

import type { FloatTensor } from '../core/tensor.ts';

/** Gives a parameter by its name in the checkpoint, without prefix; never modified. */
export type ReadParameter = (name: string) => FloatTensor;

/**
 * What an expert adds to one parameter of the shared model, times its weight in the mix.
 * `factored`: `u [m, r] · v [r, n]` on a matrix. `whole`: `delta`, of the parameter's own shape, on a vector.
 */
export type ExclusiveModule =
  | { readonly kind: 'factored'; readonly u: FloatTensor; readonly v: FloatTensor }
  | { readonly kind: 'whole'; readonly delta: FloatTensor };

/** An expert whose modules are in a graph. */
export interface GraphExpert {
  readonly name: string;
  /** The expert's module for a parameter; undefined where it equals the shared model. */
  module(parameter: string): ExclusiveModule | undefined;
}

/** An expert's output layer: `weight [C, d]`, `bias [C]`. */
export interface GraphHead {
  readonly weight: FloatTensor;
  readonly bias: FloatTensor;
}
