// SCE: select, calculate, erase.

import { energyOf } from '../linalg/kernels.ts';
import { combine } from './combine.ts';
import { markBand } from './magnitude-band.ts';
import type { TensorMethod } from './method.ts';

/**
 * Select: of all positions only the ⌊select_topk·n⌋ where the τ_t vary most across experts stay. Calculate: each expert weighs as much as
 * the mean square of what it kept. Erase: terms against the sign of the plain sum Σ τ_t of their entry go; the rest is averaged by
 * weight.
 * Source: Wan et al. 2024 (FuseChat), arXiv:2408.07990, section 3.3
 */
export const sce: TensorMethod = {
  kind: 'tensor',
  name: 'sce',
  source: 'arXiv:2408.07990',
  needs: 'none',
  base: 'origin',
  experts: { min: 1, max: Infinity },
  parameters: {
    select_topk: { default: 1, min: 0, max: 1, meaning: 'Share of the positions, those of the largest variance, that is kept.' },
  },
  expertParameters: {},
  async merge({ base, vectors, parameters }) {
    selectVarying(vectors, parameters['select_topk']);
    const energies = vectors.map(energyOf);
    const total = energies.reduce((sum, energy) => sum + energy, 0);
    if (total === 0) return base.slice();
    const weights = energies.map((energy) => energy / total);
    return combine(base, vectors, { weights, normalize: true, lambda: 1, elect: true, voices: vectors.map(() => 1) });
  },
};

/** In place. A single expert does not vary: it keeps everything. */
function selectVarying(vectors: readonly Float32Array[], share: number): void {
  if (share === 1 || vectors.length === 1) return;
  const size = vectors[0].length;
  const variance = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let mean = 0;
    for (const vector of vectors) mean += vector[i] / vectors.length;
    let sum = 0;
    for (const vector of vectors) sum += (vector[i] - mean) ** 2;
    variance[i] = sum;
  }
  const mask = markBand(variance, 0, Math.floor(share * size));
  for (const vector of vectors) for (let i = 0; i < size; i++) if (mask[i] === 0) vector[i] = 0;
}
