// TSV-M: the leading singular directions of every expert, made orthogonal to each other before they are added.
// Letters: `m` × `n` a matrix, `T` experts, `k` triples kept of each.

import { type Dense, energyOf, narrow, rowOf, scaleInPlace, widen, zeros } from '../linalg/kernels.ts';
import type { Matrix } from '../linalg/matrix.ts';
import { polarFactor } from '../linalg/polar.ts';
import { randomisedSvd } from '../linalg/randomised-svd.ts';
import type { RankRule } from '../linalg/svd.ts';
import { addScaled, type TensorContext, type TensorMethod } from './method.ts';

/** Values below this share of an expert's largest are the rounding of a difference of f32 weights; their directions mean nothing. */
const NEGLIGIBLE = 1e-5;

/**
 * A matrix becomes θ0 + α·U⊥·Σ·V⊥ᵀ: of each τ_t the k = ⌊min(m, n)/T⌋ leading singular triples, at least one, are put side by side, and
 * U⊥, V⊥ are the polar factors of the stacked U and V. Every other tensor becomes θ0 + α·mean(τ_t).
 * Source: Gargiulo et al. 2024, arXiv:2412.00081, algorithm 1 (TSV-M)
 * Deviates: k is at least 1, where the reference would lose 1 × n matrices under more than one expert; an expert of lower rank, such as a
 * LoRA, puts in only the triples that it has. Where experts share directions exactly, U⊥ has less than full rank (see polar.ts): T
 * identical experts give the truncated τ once, not T times.
 */
export const tsv: TensorMethod = {
  kind: 'tensor',
  name: 'tsv',
  source: 'arXiv:2412.00081',
  needs: 'none',
  base: 'origin',
  experts: { min: 1, max: Infinity },
  parameters: { alpha: { default: 1, min: -10, max: 10, meaning: 'Scale of what is added to the base.' } },
  expertParameters: {},
  async merge(context) {
    const { base, shape, vectors, parameters } = context;
    if (shape.length !== 2) {
      const share = parameters['alpha'] / vectors.length;
      return addScaled(
        base,
        vectors,
        vectors.map(() => share),
      );
    }
    const { left, values, right } = await stackTriples(context, shape[0], shape[1]);
    if (values.length === 0) return base.slice();
    const [u, v] = [polarFactor(left).factor, polarFactor(right).factor];
    values.forEach((value, i) => scaleInPlace(rowOf(u, i), value));
    const { data } = await context.matmul(narrow(u), narrow(v), true); // [Tk, m]ᵀ · [Tk, n] → [m, n]
    return addScaled(base, [data], [parameters['alpha']]);
  },
};

/** Singular triples of all experts, vectors as rows: `left [K, m]`, `right [K, n]`, K at most Tk. */
async function stackTriples(
  { vectors, matmul, random }: TensorContext,
  rows: number,
  cols: number,
): Promise<{ left: Dense; values: number[]; right: Dense }> {
  const kept = Math.max(1, Math.floor(Math.min(rows, cols) / vectors.length));
  // Asks for one more than is known as long as none of what is known is noise.
  const rule: RankRule = (found) => {
    const noise = found.findIndex((value) => value <= NEGLIGIBLE * found[0]);
    return Math.min(kept, noise < 0 ? found.length + 1 : noise);
  };
  const seed = random.below(2 ** 31);
  const left: Float64Array[] = [];
  const right: Float64Array[] = [];
  const values: number[] = [];
  for (const data of vectors) {
    const matrix: Matrix = { rows, cols, data };
    if (energyOf(data) === 0) continue;
    const { u, s, vt } = await randomisedSvd(matrix, rule, { matmul, seed });
    const [ut, v] = [widen(u, true), widen(vt)];
    for (let i = 0; i < s.length; i++) {
      left.push(rowOf(ut, i));
      right.push(rowOf(v, i));
      values.push(s[i]);
    }
  }
  return { left: stack(left, rows), values, right: stack(right, cols) };
}

function stack(vectors: readonly Float64Array[], length: number): Dense {
  const out = zeros(vectors.length, length);
  vectors.forEach((vector, i) => out.data.set(vector, i * length));
  return out;
}
