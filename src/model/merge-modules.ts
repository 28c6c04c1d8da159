// Arranged modules folded into the matrix that they change: what an open graph adds row by row, once for all.
//
// Letters: m × n a matrix, r rank.

import { floatTensor, type FloatTensor } from '../core/tensor.ts';
import type { ExpertFactors } from './expert-factors.ts';

/** An expert with its weight in a mix. */
export interface WeighedExpert {
  readonly expert: ExpertFactors;
  readonly weight: number;
}

/**
 * `W + Σ weight · (U · V, or the whole delta)`, a row at a time in f64; the tensor itself where no expert changes it.
 * @param isTable whether U lies as it is, and not transposed
 * Cost: m · n · r multiply-adds an expert
 */
export function mergeModules(name: string, tensor: FloatTensor, experts: readonly WeighedExpert[], isTable: boolean): FloatTensor {
  const changing = experts.filter(({ expert }) => expert.factors.has(name) || expert.deltas.has(name));
  if (changing.length === 0) return tensor;
  const [m, n = 1] = tensor.shape;
  const merged = new Float32Array(tensor.data.length);
  const row = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) row[j] = tensor.data[i * n + j];
    for (const { expert, weight } of changing) {
      const delta = expert.deltas.get(name);
      if (delta !== undefined) row[0] += weight * delta[i];
      const factors = expert.factors.get(name);
      if (factors === undefined) continue;
      const { rank, u, v } = factors;
      for (let k = 0; k < rank; k++) {
        const factor = weight * (isTable ? u[i * rank + k] : u[k * m + i]);
        for (let j = 0; j < n; j++) row[j] += factor * v[k * n + j];
      }
    }
    merged.set(row, i * n);
  }
  return floatTensor(tensor.shape, merged);
}
