// Model Stock: how far to go from the base to the average, told by the angle between task vectors.

import { addScaled } from './method.ts';
import type { TensorMethod } from './method.ts';

/**
 * t·mean(θ_t) + (1 − t)·θ0 with t = T·c / (1 + (T − 1)·c), where c is the mean cosine of all pairs of task vectors.
 * Source: Jang et al. 2024, arXiv:2403.19522, equation 7 and its extension to T models in the appendix.
 * Deviates: a vector of zeros has cosine 0 to any other. Where the denominator is not above 0 (task vectors that cancel), t is 0.
 */
export const modelStock: TensorMethod = {
  kind: 'tensor',
  name: 'model_stock',
  source: 'arXiv:2403.19522',
  needs: 'none',
  base: 'origin',
  experts: { min: 2, max: Infinity },
  parameters: { filter_wise: { default: 0, flag: true, min: 0, max: 1, meaning: 'Whether each row has a ratio of its own.' } },
  expertParameters: {},
  async merge({ base, shape, vectors, parameters }) {
    const row = parameters['filter_wise'] === 1 && shape.length > 1 ? base.length / Math.max(1, shape[0]) : base.length;
    const merged = new Float32Array(base.length);
    for (let start = 0; start < base.length; start += row) {
      const part = vectors.map((vector) => vector.subarray(start, start + row));
      const share = ratioOf(part) / part.length;
      addScaled(
        base.subarray(start, start + row),
        part,
        part.map(() => share),
        merged.subarray(start, start + row),
      );
    }
    return merged;
  },
};

function ratioOf(vectors: readonly Float32Array[]): number {
  const count = vectors.length;
  let cosines = 0;
  for (let s = 0; s < count; s++) for (let t = 0; t < s; t++) cosines += cosineOf(vectors[s], vectors[t]);
  const cosine = cosines / ((count * (count - 1)) / 2);
  const denominator = 1 + (count - 1) * cosine;
  return denominator > 0 ? (count * cosine) / denominator : 0;
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  let product = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    squareA += a[i] * a[i];
    squareB += b[i] * b[i];
  }
  return squareA === 0 || squareB === 0 ? 0 : product / Math.sqrt(squareA * squareB);
}
