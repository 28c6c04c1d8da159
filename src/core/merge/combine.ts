// The last step of the sparsifying methods: task vectors into one, with or without the sign election of TIES.

import { addScaled } from './method.ts';

/** How vectors are combined. */
export interface CombineOptions {
  /** One a vector. */
  readonly weights: readonly number[];
  /** Divide each entry by the sum of the weights that take part in it. */
  readonly normalize: boolean;
  readonly lambda: number;
  /** Only what agrees with the elected sign of its entry takes part. */
  readonly elect: boolean;
  /** What each vector counts in the election; its weight when left out. */
  readonly voices?: readonly number[];
}

/** Sums of weights below this count as zero, and nothing is divided by them. */
const NO_WEIGHT = 1e-8;

/** Σ weights, or 1 where that is zero. */
export function divisorOf(weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Math.abs(total) < NO_WEIGHT ? 1 : total;
}

/**
 * base + λ·Σ_t weight_t·vector_t, entry by entry.
 *
 * With `elect`, the sign of Σ_t voice_t·vector_t is elected for each entry, and only terms of that sign are summed. Where the sum is
 * exactly zero though terms are not, the entry takes the sign that most entries of the tensor elected, plus on a draw. With `normalize`
 * and equal weights that is the disjoint mean of the paper.
 * @param base not modified
 * @param vectors at least one; the first is overwritten with the result, so that no further buffer of the tensor's size is needed
 * @returns the first vector
 * Cost: 2T multiply-adds an entry
 * Source: Yadav et al. 2023, arXiv:2306.01708, section 3
 * Deviates: the majority is that of the tensor, not of the whole model, so that tensors merge on their own. FusionBench's default is the
 * sum of the agreeing terms (`normalize` off here).
 */
export function combine(base: Float32Array, vectors: readonly Float32Array[], options: CombineOptions): Float32Array {
  const { weights, normalize, lambda, elect } = options;
  if (elect) return combineAgreeing(base, vectors, options);
  const scale = lambda / (normalize ? divisorOf(weights) : 1);
  return addScaled(
    base,
    vectors,
    weights.map((weight) => weight * scale),
    vectors[0],
  );
}

function combineAgreeing(
  base: Float32Array,
  vectors: readonly Float32Array[],
  { weights, normalize, lambda, voices = weights }: CombineOptions,
): Float32Array {
  const count = vectors.length;
  const agreeing = (i: number, sign: number): number => {
    let sum = 0;
    let weightOfSum = 0;
    for (let t = 0; t < count; t++) {
      const term = weights[t] * vectors[t][i];
      if (term * sign <= 0) continue;
      sum += term;
      weightOfSum += weights[t];
    }
    return normalize && Math.abs(weightOfSum) >= NO_WEIGHT ? sum / weightOfSum : sum;
  };
  const [merged] = vectors;
  const undecided: number[] = [];
  let majority = 0;
  for (let i = 0; i < merged.length; i++) {
    let total = 0;
    for (let t = 0; t < count; t++) total += voices[t] * vectors[t][i];
    if (total === 0) {
      if (vectors.some((vector) => vector[i] !== 0)) undecided.push(i);
      else merged[i] = base[i];
      continue;
    }
    majority += total > 0 ? 1 : -1;
    merged[i] = base[i] + lambda * agreeing(i, total);
  }
  for (const i of undecided) merged[i] = base[i] + lambda * agreeing(i, majority < 0 ? -1 : 1);
  return merged;
}
