// Static merge methods that first learn something from unlabelled texts. What is learnt turns such a row into a plain method for each
// tensor, so that everything behind the learning is the same as for the data-free ones. The learning itself is src/build/adapt.

import type { StaticMethod, TensorContext } from './method.ts';

/** What every method states about itself. */
type MethodFacts = Omit<Extract<StaticMethod, { kind: 'linear' }>, 'kind' | 'coefficients' | 'needs'> & { readonly needs: 'unlabelled' };

/** A method that learns coefficients of task vectors: θ0 + Σ c_t·τ_t. */
export interface CoefficientMethod extends MethodFacts {
  readonly kind: 'coefficients';
  /** One coefficient for each expert, or one for each expert and tensor. */
  readonly per: 'expert' | 'tensor';
  /** What is done to the task vectors of a tensor first; undefined: nothing, and adapters stay factored. Fresh or overwritten buffers. */
  readonly prepare?: (context: Pick<TensorContext, 'vectors' | 'experts'>) => readonly Float32Array[];
}

/** A method that weighs experts by the Gram matrices of what their linear layers read. */
export interface GramMethod extends MethodFacts {
  readonly kind: 'grams';
}

/** A method that learns from unlabelled texts. */
export type AdaptiveMethod = CoefficientMethod | GramMethod;

/** Whatever can make the shared model of a pack. */
export type SharedMethod = StaticMethod | AdaptiveMethod;

/** Whether a method has to learn before it can merge. */
export function isAdaptive(method: SharedMethod): method is AdaptiveMethod {
  return method.kind === 'coefficients' || method.kind === 'grams';
}
