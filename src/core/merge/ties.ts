// TIES: trim, elect signs, merge.

import { combine } from './combine.ts';
import { keepBand } from './magnitude-band.ts';
import type { TensorMethod } from './method.ts';
import { density, lambda, normalize, weight } from './shared-parameters.ts';

/**
 * Each τ_t keeps its ⌊density·n⌋ largest entries; entries that agree with the elected sign are averaged, times λ.
 * Source: Yadav et al. 2023, arXiv:2306.01708, algorithm 1; density 0.2 is the paper's, λ 0.7 that of Twin-Merging's own TIES.
 * Deviates: the trim is within each tensor, as mergekit has it; the paper and FusionBench trim the flattened model, which leaves more of
 * the tensors that moved far. FusionBench sums what agrees by default: `normalize: false`.
 */
export const ties: TensorMethod = {
  kind: 'tensor',
  name: 'ties',
  source: 'arXiv:2306.01708',
  needs: 'none',
  base: 'origin',
  experts: { min: 1, max: Infinity },
  parameters: { lambda: lambda(0.7), normalize: normalize(1) },
  expertParameters: { weight, density: density(0.2) },
  async merge({ base, vectors, parameters, experts }) {
    const trimmed = vectors.map((vector, t) => keepBand(vector, 0, Math.floor(experts[t]['density'] * vector.length)));
    return combine(base, trimmed, {
      weights: experts.map((expert) => expert['weight']),
      normalize: parameters['normalize'] === 1,
      lambda: parameters['lambda'],
      elect: true,
    });
  },
};
