// SVD of a matrix that is only known by factors, M = Σ_t c_t·B_t·A_t, without ever forming it: what keeps LoRA experts small.
// The QRs of the stacked factors are taken once; each coefficient vector c (one per expert) then costs a K × K problem. Exact.
// Letters: `m`, `n` the extents of M, `K` = Σ rank of the pairs, `r` the rank kept.

import { TwinrouteError } from '../errors.ts';
import { type Dense, dot, multiply, narrow, rowOf, rowsOf, scaleInPlace, widen, zeros } from './kernels.ts';
import type { Matrix } from './matrix.ts';
import { type Qr, applyQ, thinQr } from './qr.ts';
import { type RankRule, type Svd, svdOfRows, truncatedSvd } from './svd.ts';

/** One term `b · a` with `b [m, r_t]`, `a [r_t, n]`; any scaling is already in the factors. */
export interface FactorPair {
  readonly b: Matrix;
  readonly a: Matrix;
}

/** The pairs of one tensor with their decompositions, shared by all experts. */
export interface FactorStack {
  readonly rows: number;
  readonly cols: number;
  readonly pairs: readonly FactorPair[];
  /** QR of `[B_1 … B_T]` and of `[A_1; …; A_T]ᵀ`; absent when K ≥ min(m, n), where the dense way is the cheaper one. */
  readonly qr: { readonly left: Qr; readonly right: Qr } | undefined;
}

/**
 * Stacks the pairs of one tensor and decomposes the stacks.
 * @param pairs at least one, all of one `m` and `n`; kept by reference
 * @throws {TwinrouteError} `shape` when extents differ
 * Cost: 2K²(m + n) flops, (m + n)K f64 numbers kept
 */
export function stackFactors(pairs: readonly FactorPair[]): FactorStack {
  const rows = pairs[0]?.b.rows ?? 0;
  const cols = pairs[0]?.a.cols ?? 0;
  for (const { a, b } of pairs) {
    if (b.rows === rows && a.cols === cols && b.cols === a.rows) continue;
    throw new TwinrouteError(
      'shape',
      `stackFactors: expected [${rows}, r] · [r, ${cols}], got [${b.rows}, ${b.cols}] · [${a.rows}, ${a.cols}]`,
    );
  }
  const total = pairs.reduce((sum, { a }) => sum + a.rows, 0);
  if (total >= Math.min(rows, cols)) return { rows, cols, pairs, qr: undefined };
  const left = zeros(total, rows);
  const right = zeros(total, cols);
  let k = 0;
  for (const { a, b } of pairs) {
    left.data.set(widen(b, true).data, k * rows);
    right.data.set(a.data, k * cols);
    k += a.rows;
  }
  return { rows, cols, pairs, qr: { left: thinQr(left), right: thinQr(right) } };
}

/**
 * Truncated SVD of Σ_t coefficients[t]·B_t·A_t, to the accuracy of `truncatedSvd`.
 * @param coefficients one per pair
 * @throws {TwinrouteError} `shape` when their number differs, `numeric` when a factor or a coefficient is not finite
 * Cost: about 2K³ + 4(m + n)Kr flops; no m × n buffer unless K ≥ min(m, n)
 */
export function lowRankSvd(stack: FactorStack, coefficients: readonly number[], rank: RankRule): Svd {
  if (coefficients.length !== stack.pairs.length) {
    throw new TwinrouteError('shape', `lowRankSvd: expected ${stack.pairs.length} coefficients, got ${coefficients.length}`);
  }
  if (stack.qr === undefined) return truncatedSvd(denseSum(stack, coefficients), rank);
  const { left, right } = stack.qr;
  const perColumn = stack.pairs.flatMap(({ a }, t) => Array.from<number>({ length: a.rows }).fill(coefficients[t]));
  const core = svdOfRows(coreOf(left.r, right.r, perColumn), rank);
  return { u: narrow(applyQ(left, core.ut), true), s: core.s, vt: narrow(applyQ(right, core.vt)), energy: core.energy };
}

/** `R_B · diag(c) · R_Aᵀ`, `[K, K]`; both factors are upper triangular, so that entry (i, j) starts at k = max(i, j). */
function coreOf(left: Dense, right: Dense, c: readonly number[]): Dense {
  const k = c.length;
  const core = zeros(k, k);
  const scaled = new Float64Array(k);
  const columns = rowsOf(right);
  for (let i = 0; i < k; i++) {
    const row = rowOf(left, i);
    for (let x = i; x < k; x++) scaled[x] = row[x] * c[x];
    for (let j = 0; j < k; j++) core.data[i * k + j] = dot(scaled, columns[j], Math.max(i, j));
  }
  return core;
}

/**
 * Σ_t coefficients[t]·B_t·A_t, dense, summed in f64.
 * Cost: mnK multiply-adds
 */
export function denseSum(stack: FactorStack, coefficients: readonly number[]): Matrix {
  const sum = zeros(stack.rows, stack.cols);
  stack.pairs.forEach(({ a, b }, t) => {
    if (coefficients[t] === 0) return;
    const scaled = widen(b);
    scaleInPlace(scaled.data, coefficients[t]);
    const term = multiply(scaled, widen(a)).data;
    for (let i = 0; i < term.length; i++) sum.data[i] += term[i];
  });
  return narrow(sum);
}
