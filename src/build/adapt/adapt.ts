// Learning from unlabelled texts, whichever method asks for it: before a merge, and ending in a plain method for each parameter.

import { isAdaptive, type SharedMethod } from '../../core/merge/adaptive.ts';
import type { AdaptDeps, Adapted, AdaptInput } from './adapt-input.ts';
import { fitCoefficients } from './ada-merging.ts';
import { fitGrams } from './regmean-grams.ts';

/**
 * The plain method of each parameter of a merge: the method itself, or what an adaptive one learns.
 * @throws {TwinrouteError} `config` when texts are missing
 */
export async function adapt(input: Omit<AdaptInput, 'method'> & { readonly method: SharedMethod }, deps: AdaptDeps): Promise<Adapted> {
  const { method } = input;
  if (!isAdaptive(method)) return { methodOf: () => method, learnt: undefined };
  return fit({ ...input, method }, deps);
}

function fit(input: AdaptInput, deps: AdaptDeps): Promise<Adapted> {
  const { method } = input;
  return method.kind === 'coefficients' ? fitCoefficients({ ...input, method }, deps) : fitGrams({ ...input, method }, deps);
}
