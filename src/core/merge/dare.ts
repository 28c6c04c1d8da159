// DARE: drop entries at random and rescale the rest, then merge as Task Arithmetic or as TIES without its trim.

import type { Random } from '../random.ts';
import { combine } from './combine.ts';
import type { ParameterSpec, TensorContext, TensorMethod } from './method.ts';
import { density, lambda, normalize, weight } from './shared-parameters.ts';

const rescale: ParameterSpec = { default: 1, flag: true, min: 0, max: 1, meaning: 'Whether kept entries are divided by the density.' };

const facts = {
  kind: 'tensor',
  source: 'arXiv:2311.03099',
  needs: 'none',
  base: 'origin',
  experts: { min: 1, max: Infinity },
  expertParameters: { weight, density: density(0.3) },
} as const;

/**
 * Each entry of τ_t stays with probability density and is divided by it, so that its expectation is τ_t; then θ0 + λ·Σ_t weight_t·τ_t.
 * Source: Yu et al. 2023, arXiv:2311.03099, section 3.2; drop rate 0.7 and λ 0.3 as in Twin-Merging.
 * Deviates: mergekit rescales so that the tensor's sum of magnitudes stays what it was, which the density equals only on average.
 */
export const dareLinear: TensorMethod = {
  ...facts,
  name: 'dare_linear',
  parameters: { lambda: lambda(0.3), normalize: normalize(0), rescale },
  merge: (context) => mergeDropped(context, false),
};

/** As `dare_linear`, but the terms of each entry that agree with its elected sign are merged, as in TIES. */
export const dareTies: TensorMethod = {
  ...facts,
  name: 'dare_ties',
  parameters: { lambda: lambda(0.3), normalize: normalize(0), rescale },
  merge: (context) => mergeDropped(context, true),
};

async function mergeDropped({ base, vectors, parameters, experts, random }: TensorContext, elect: boolean): Promise<Float32Array> {
  vectors.forEach((vector, t) => dropAtRandom(vector, experts[t]['density'], parameters['rescale'] === 1, random));
  return combine(base, vectors, {
    weights: experts.map((expert) => expert['weight']),
    normalize: parameters['normalize'] === 1,
    lambda: parameters['lambda'],
    elect,
  });
}

/** In place. Draws one number an entry, none when all stay. */
function dropAtRandom(vector: Float32Array, keep: number, rescaled: boolean, random: Random): void {
  if (keep === 1) return;
  const scale = rescaled ? 1 / keep : 1;
  for (let i = 0; i < vector.length; i++) vector[i] = random.uniform() < keep ? vector[i] * scale : 0;
}
