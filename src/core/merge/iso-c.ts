// Iso-C: the summed task vectors with a flat spectrum, so that no direction outweighs the others.

import { energyOf, widen } from '../linalg/kernels.ts';
import { polarFactor } from '../linalg/polar.ts';
import { addScaled, type TensorMethod } from './method.ts';

/**
 * A matrix becomes θ0 + α·σ̄·U·Vᵀ with U·diag(σ)·Vᵀ = Σ_t τ_t and σ̄ the mean of σ; every other tensor θ0 + α·mean(τ_t).
 * Source: Marczak et al. 2025, arXiv:2502.04959, section 4.1
 * Deviates: where the sum has not full rank, as with a few LoRA experts, the mean is over the values that are there, and directions that
 * nobody moved in stay zero; FusionBench's full SVD fills them with arbitrary ones.
 */
export const isoC: TensorMethod = {
  kind: 'tensor',
  name: 'iso_c',
  source: 'arXiv:2502.04959',
  needs: 'none',
  base: 'origin',
  experts: { min: 1, max: Infinity },
  parameters: { alpha: { default: 1, min: -10, max: 10, meaning: 'Scale of what is added to the base.' } },
  expertParameters: {},
  async merge({ base, shape, vectors, parameters: { alpha } }) {
    const share = shape.length === 2 ? 1 : alpha / vectors.length;
    const sum = addScaled(
      shape.length === 2 ? new Float32Array(base.length) : base,
      vectors,
      vectors.map(() => share),
    );
    if (shape.length !== 2) return sum;
    if (energyOf(sum) === 0) return base.slice();
    const [rows, cols] = shape;
    const { factor, values, rank } = polarFactor(widen({ rows, cols, data: sum }));
    const flat = rank === 0 ? 0 : values.subarray(0, rank).reduce((total, value) => total + value, 0) / rank;
    for (let i = 0; i < sum.length; i++) sum[i] = base[i] + alpha * flat * factor.data[i];
    return sum;
  },
};
