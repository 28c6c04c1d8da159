// RegMean: each linear layer such that the merged one answers its experts' inputs as nearly as the experts do, in closed form.
// Letters: `T` experts, m × n a weight, `y = x·Wᵀ`.

import { factorCholesky, solveRows } from '../linalg/cholesky.ts';
import { widen } from '../linalg/kernels.ts';
import type { Matrix } from '../linalg/matrix.ts';
import type { GramMethod } from './adaptive.ts';
import type { StaticMethod } from './method.ts';

/** Added to the diagonal, as a share of its mean: decides only where an input is always 0, and takes the plain average there. */
const RIDGE = 1e-6;

/**
 * W = θ0 + (Σ τ_t·G̃_t)·(Σ G̃_t)⁻¹ for the weight of each linear layer, which is the paper's (Σ G̃_t)⁻¹·Σ G̃_t·W_t transposed and taken from the
 * base; every other parameter is averaged. G_t = XᵀX / tokens over what expert t's layer reads in its own texts.
 * Source: Jin et al. 2023, arXiv:2212.09849, section 3: off-diagonals × 0.9. Deviates: their code has × 0.95 and divides by sequences.
 */
export const regmean: GramMethod = {
  kind: 'grams',
  name: 'regmean',
  source: 'arXiv:2212.09849',
  needs: 'unlabelled',
  base: 'origin',
  experts: { min: 1, max: Infinity },
  parameters: {
    off_diagonal: {
      default: 0.9,
      min: 0,
      max: 1,
      meaning: 'Factor of the off-diagonal entries of Gram matrices; below 1 they cannot be singular.',
    },
  },
  expertParameters: {},
};

/**
 * G̃: the off-diagonal entries scaled, the diagonal raised by a millionth of its mean.
 * @param gram symmetric, `[n, n]`, modified in place
 */
export function regularise({ rows: n, data }: Matrix, offDiagonal: number): void {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += data[i * n + i];
  const ridge = trace > 0 ? (RIDGE * trace) / n : 1;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) data[i * n + j] = i === j ? data[i * n + i] + ridge : offDiagonal * data[i * n + j];
  }
}

/** Sums over experts: all that RegMean has to know of one weight. */
export interface GramSums {
  /** Σ G̃_t, `[n, n]` */
  readonly grams: Matrix;
  /** Σ τ_t·G̃_t, `[m, n]` */
  readonly moved: Matrix;
}

/** The plain method of one linear layer's weight once its sums are known, or of any other parameter: the average. */
export function withGrams(method: GramMethod, sums: GramSums | undefined): StaticMethod {
  const { kind: _kind, ...own } = method;
  if (sums === undefined) return { ...own, kind: 'linear', coefficients: (_, experts) => experts.map(() => 1 / experts.length) };
  return { ...own, kind: 'tensor', merge: ({ base }) => Promise.resolve(regMean(base, sums)) };
}

/**
 * θ0 + moved·grams⁻¹, a fresh buffer.
 * @param base `[m, n]`
 * @throws {TwinrouteError} `numeric` when the sum of Gram matrices is singular: `off_diagonal: 1` with fewer tokens than inputs
 * Cost: n³/6 + mn² multiply-adds in f64
 */
export function regMean(base: Float32Array, { grams, moved }: GramSums): Float32Array {
  const factor = widen(grams);
  const change = widen(moved);
  factorCholesky(factor);
  solveRows(factor, change);
  return base.map((value, i) => value + change.data[i]);
}
