// Task Arithmetic: the sum of task vectors.

import type { LinearMethod } from './method.ts';
import { lambda, normalize, weight } from './shared-parameters.ts';
import { divisorOf } from './combine.ts';

/**
 * θ0 + λ·Σ_t weight_t·τ_t; with `normalize`, divided by Σ weight.
 * Source: Ilharco et al. 2023, arXiv:2212.04089; λ 0.3 as in Twin-Merging, arXiv:2406.15479.
 */
export const taskArithmetic: LinearMethod = {
  kind: 'linear',
  name: 'task_arithmetic',
  source: 'arXiv:2212.04089',
  needs: 'none',
  base: 'origin',
  experts: { min: 1, max: Infinity },
  parameters: { lambda: lambda(0.3), normalize: normalize(0) },
  expertParameters: { weight },
  coefficients(parameters, experts) {
    const weights = experts.map((expert) => expert['weight']);
    const scale = parameters['lambda'] / (parameters['normalize'] === 1 ? divisorOf(weights) : 1);
    return weights.map((weight) => scale * weight);
  },
};
