// Truncated SVD of a large dense matrix by a randomised range finder whose products run on an injected engine, in blocks no wider
// than the rank needs. Nothing is taken on trust: the reported error is the true one, and a rank by energy is only accepted once the
// energy is in hand.
// Letters: `m` rows, `n` columns, `b` block width, `k` rank.

import { createRandom } from '../random.ts';
import { type Dense, energyOf, multiply, narrow, widen, zeros } from './kernels.ts';
import type { MatMul, Matrix } from './matrix.ts';
import { explicitQ, thinQr } from './qr.ts';
import { type DenseSvd, type RankRule, type Svd, askRank, svdOfRows, truncatedSvd } from './svd.ts';

/** Options of `randomisedSvd`. */
export interface RandomisedOptions {
  readonly matmul: MatMul;
  readonly seed: number;
  /** Share of the kept energy that the result may still fall short of the best rank-k energy; estimated from the last gains. Default 1e-4. */
  readonly tolerance?: number;
}

/** Columns beyond the rank; Halko et al. recommend 5 to 10. */
const OVERSAMPLE = 10;
/** Width of the first block when only a rule knows the rank. */
const FIRST_BLOCK = 32;
/** From this share of the short side on, the exact way is the cheaper one. */
const EXACT_SHARE = 1 / 3;
/** Power iterations before the block is widened instead. */
const MAX_ITERATIONS = 12;

/**
 * Truncated SVD of `a`, to a checked bound.
 *
 * With Q an orthonormal basis and B = QᵀA, the k leading triples (s, v) of B give `u = Q·u_B` with uᵀA = s·vᵀ, so that
 * ‖A − u·diag(s)·vt‖² = ‖A‖² − Σ s² holds exactly: the result's own `energy` and `s` state its true error. The basis is improved by
 * power iterations until the best rank-k energy is within `tolerance`: proved when ‖A‖² − ‖B‖², all that the basis misses, is that
 * small, else estimated from the geometric decay of the last two gains. When iterations run out, or a rule asks for more values than
 * the block has, the block doubles; from min(m, n)/3 on, `truncatedSvd` takes over.
 * @param a shape `[m, n]`, f32, not modified
 * @throws {TwinrouteError} `numeric` when `a` holds NaN or infinity
 * Cost: 2(p + 1) products of mnb multiply-adds on the engine for p power iterations; about 2(m + n)b² here
 * Source: Halko, Martinsson, Tropp 2011, alg. 4.3, 4.4 and 5.1, arXiv:0909.4061
 * Deviates: the block and the iterations grow until the bound holds. Products are the engine's f32, so that energies are known to
 * about 1e-6 of ‖A‖².
 */
export async function randomisedSvd(a: Matrix, rank: RankRule, options: RandomisedOptions): Promise<Svd> {
  const { matmul, seed, tolerance = 1e-4 } = options;
  const short = Math.min(a.rows, a.cols);
  const energy = energyOf(a.data);
  if (energy === 0 || !Number.isFinite(energy)) return truncatedSvd(a, rank);
  const random = createRandom(seed, 'randomised-svd');
  let width = OVERSAMPLE + (typeof rank === 'number' ? rank : FIRST_BLOCK);
  let basis: Matrix | undefined;
  while (width < short * EXACT_SHARE) {
    const fresh = zeros(a.cols, width - (basis?.rows ?? 0));
    for (let i = 0; i < fresh.data.length; i++) fresh.data[i] = random.normal();
    // Bases are held as rows: [b, m].
    basis = orthonormal(basis, await matmul(narrow(fresh), a, true, true));
    // What the same k keeps, one entry an iteration.
    let history: number[] = [];
    let counted = -1;
    for (let iteration = 0; iteration <= MAX_ITERATIONS; iteration++) {
      const projected = await matmul(basis, a); // [b, m] · [m, n] → [b, n]
      const svd = svdOfRows(widen(projected), width);
      const k = askRank(rank, svd.s, energy, short);
      if (k > width - OVERSAMPLE) {
        width = Math.max(2 * width, k + OVERSAMPLE);
        break;
      }
      if (k !== counted) history = [];
      counted = k;
      history.push(energyOf(svd.s.subarray(0, k)));
      const allowed = tolerance * history[history.length - 1];
      if (energy - svd.energy <= allowed || remaining(history) <= allowed) return finish(basis, svd, k, energy);
      if (iteration === MAX_ITERATIONS) width *= 2;
      else basis = orthonormal(undefined, await matmul(orthonormal(undefined, projected), a, false, true));
    }
  }
  return truncatedSvd(a, rank);
}

/** What a sequence would still add if its gains went on as a geometric series; infinite while it is too short to tell. */
function remaining(history: readonly number[]): number {
  if (history.length < 3) return Infinity;
  const [first, second, third] = history.slice(-3);
  const last = third - second;
  if (last <= 0) return 0;
  const ratio = last / (second - first);
  return ratio > 0 && ratio < 1 ? (last * ratio) / (1 - ratio) : Infinity;
}

/** An orthonormal basis, as rows, of the rows of `kept` and `added` together. */
function orthonormal(kept: Matrix | undefined, added: Matrix): Matrix {
  const stacked = zeros((kept?.rows ?? 0) + added.rows, added.cols);
  if (kept !== undefined) stacked.data.set(kept.data);
  stacked.data.set(added.data, kept?.data.length ?? 0);
  return narrow(explicitQ(thinQr(stacked)));
}

function finish(basis: Matrix, svd: DenseSvd, k: number, energy: number): Svd {
  const u = multiply(firstRows(svd.ut, k), widen(basis)); // [k, b] · [b, m] → [k, m]
  return { u: narrow(u, true), s: svd.s.slice(0, k), vt: narrow(firstRows(svd.vt, k)), energy };
}

function firstRows(a: Dense, k: number): Dense {
  return { rows: k, cols: a.cols, data: a.data.subarray(0, k * a.cols) };
}
