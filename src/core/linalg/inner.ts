// ⟨M, u·v⟩_F, the Frobenius inner product with a product of factors, as traces of small Gram matrices: what the error of a stored
// module needs, ‖M − u·v‖² = ‖M‖² − 2⟨M, u·v⟩ + ‖u·v‖², without forming u·v (nor M, when M itself is a sum of products).

import { type Dense, dot, gramOfRows, multiply, widen } from './kernels.ts';
import type { FactorStack } from './low-rank-svd.ts';
import type { Matrix } from './matrix.ts';

/**
 * ⟨a, u·v⟩_F for a dense `a [m, n]`, `u [m, r]`, `v [r, n]`.
 * Cost: mnr multiply-adds, an f64 copy of `a`
 */
export function innerDense(a: Matrix, u: Matrix, v: Matrix): number {
  return dot(multiply(widen(u, true), widen(a)).data, widen(v).data);
}

/**
 * ⟨Σ_t c_t·B_t·A_t, u·v⟩_F = Σ_t c_t·⟨B_tᵀ·u, A_t·vᵀ⟩.
 * Cost: (m + n)Kr multiply-adds
 */
export function innerLowRank(stack: FactorStack, coefficients: readonly number[], u: Matrix, v: Matrix): number {
  const wide = widen(u);
  const narrowRight = widen(v, true);
  return stack.pairs.reduce((sum, { a, b }, t) => {
    if (coefficients[t] === 0) return sum;
    return sum + coefficients[t] * dot(multiply(widen(b, true), wide).data, multiply(widen(a), narrowRight).data);
  }, 0);
}

/**
 * ‖u·v‖_F² = ⟨uᵀu, v·vᵀ⟩.
 * Cost: (m + n)r²/2 multiply-adds
 */
export function productEnergy(u: Matrix, v: Matrix): number {
  const left: Dense = gramOfRows(widen(u, true));
  return dot(left.data, gramOfRows(widen(v)).data);
}
