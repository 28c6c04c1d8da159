// Task Arithmetic, and the weighted average as the same sum with coefficients that add up to 1.

import { TwinrouteError } from '../errors.ts';
import type { LinearMethod, ParameterTable } from './method.ts';

const weight: ParameterTable = {
  weight: { default: 1, min: -10, max: 10, meaning: 'Share of this expert relative to the others.' },
};

/** θ0 + λ·Σ_t weight_t·τ_t. Source: Ilharco et al. 2023, arXiv:2212.04089; λ 0.3 as in Twin-Merging, arXiv:2406.15479. */
export const taskArithmetic: LinearMethod = {
  kind: 'linear',
  name: 'task_arithmetic',
  source: 'arXiv:2212.04089',
  needs: 'none',
  parameters: { lambda: { default: 0.3, min: -10, max: 10, meaning: 'Scale of the summed task vectors.' } },
  expertParameters: weight,
  coefficients: ({ lambda }, experts) => experts.map((expert) => lambda * expert['weight']),
};

/** Σ_t weight_t·θ_t / Σ_t weight_t = θ0 + Σ_t (weight_t / Σ weight)·τ_t; equal weights give the plain average. Source: Wortsman et al. 2022, arXiv:2203.05482. */
export const linear: LinearMethod = {
  kind: 'linear',
  name: 'linear',
  source: 'arXiv:2203.05482',
  needs: 'none',
  parameters: {},
  expertParameters: weight,
  coefficients(_, experts) {
    const total = experts.reduce((sum, expert) => sum + expert['weight'], 0);
    if (total === 0) throw new TwinrouteError('config', 'linear: expected weights whose sum is not 0, got 0');
    return experts.map((expert) => expert['weight'] / total);
  },
};
