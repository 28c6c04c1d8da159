// The weighted average of models, alias model soup.

import { TwinrouteError } from '../errors.ts';
import type { LinearMethod } from './method.ts';
import { normalize, weight } from './shared-parameters.ts';

/**
 * Σ_t weight_t·θ_t / Σ_t weight_t = θ0 + Σ_t (weight_t / Σ weight)·τ_t, whatever θ0; equal weights give the plain average.
 * Without `normalize` the weights stay as they are: Σ_t weight_t·θ_t in a merge, which has no base, and about θ0 in a pack.
 * Source: Wortsman et al. 2022, arXiv:2203.05482.
 */
export const linear: LinearMethod = {
  kind: 'linear',
  name: 'linear',
  source: 'arXiv:2203.05482',
  needs: 'none',
  base: 'unused',
  experts: { min: 1, max: Infinity },
  parameters: { normalize: normalize(1) },
  expertParameters: { weight },
  coefficients(parameters, experts) {
    const weights = experts.map((expert) => expert['weight']);
    if (parameters['normalize'] === 0) return weights;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (total === 0) throw new TwinrouteError('config', 'linear: expected weights whose sum is not 0, got 0', { param: 'weight' });
    return weights.map((weight) => weight / total);
  },
};
