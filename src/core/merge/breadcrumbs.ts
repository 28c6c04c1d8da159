// Model Breadcrumbs: each task vector without its outliers and without its smallest entries.

import { combine } from './combine.ts';
import { keepBand } from './magnitude-band.ts';
import type { TensorContext, TensorMethod } from './method.ts';
import { density, lambda, normalize, weight } from './shared-parameters.ts';

const facts = {
  kind: 'tensor',
  source: 'arXiv:2312.06795',
  needs: 'none',
  base: 'origin',
  experts: { min: 1, max: Infinity },
  parameters: { lambda: lambda(0.3), normalize: normalize(0) },
  expertParameters: {
    weight,
    density: density(0.9),
    gamma: { default: 0.01, min: 0, max: 1, meaning: 'Share of the entries of this task vector, the largest, that is dropped.' },
  },
} as const;

/**
 * Each τ_t loses its γ largest entries by magnitude and then its smallest, until density·n are left; θ0 + λ·Σ_t weight_t·τ_t.
 * Where γ > 1 − density, only the 1 − density largest go.
 * Source: Davari, Belilovsky 2023, arXiv:2312.06795, section 3.
 * Deviates: within each tensor, as in the paper, but by counts where the paper has percentiles of each end; no rescaling.
 */
export const breadcrumbs: TensorMethod = { ...facts, name: 'breadcrumbs', merge: (context) => mergeBands(context, false) };

/** As `breadcrumbs`, with the sign election of TIES. */
export const breadcrumbsTies: TensorMethod = { ...facts, name: 'breadcrumbs_ties', merge: (context) => mergeBands(context, true) };

async function mergeBands({ base, vectors, parameters, experts }: TensorContext, elect: boolean): Promise<Float32Array> {
  const kept = vectors.map((vector, t) => {
    const count = Math.floor(experts[t]['density'] * vector.length);
    return keepBand(vector, Math.min(Math.floor(experts[t]['gamma'] * vector.length), vector.length - count), count);
  });
  return combine(base, kept, {
    weights: experts.map((expert) => expert['weight']),
    normalize: parameters['normalize'] === 1,
    lambda: parameters['lambda'],
    elect,
  });
}
