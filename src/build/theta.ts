// A parameter of an expert as θ_t itself, whatever it is stored as.

import type { MatMul, Matrix } from '../core/linalg/matrix.ts';
import type { FactorPair } from '../core/linalg/low-rank-svd.ts';
import type { FloatTensor } from '../core/tensor.ts';
import type { LoraFactors, ParameterSource } from '../formats/checkpoint.ts';

/**
 * θ_t in a fresh buffer.
 * @param base θ0, not modified
 * Cost: one read, and mnr multiply-adds for an adapter
 */
export async function readTheta(base: FloatTensor, source: ParameterSource, matmul: MatMul): Promise<Float32Array> {
  if (source.kind === 'same') return base.data.slice();
  if (source.kind === 'dense') return (await source.read()).data;
  const { data } = await sumOfPairs([toPair(await source.read())], [1], matmul);
  for (let i = 0; i < data.length; i++) data[i] += base.data[i];
  return data;
}

/** An adapter's factors with its scaling in B. */
export function toPair({ a, b, scaling }: LoraFactors): FactorPair {
  return {
    a: { rows: a.shape[0], cols: a.shape[1], data: a.data },
    b: { rows: b.shape[0], cols: b.shape[1], data: b.data.map((value) => value * scaling) },
  };
}

/**
 * Σ c_t·B_t·A_t as one product of the stacked factors: `[m, K] · [K, n]`.
 * @param pairs at least one, all of one m and n
 */
export function sumOfPairs(pairs: readonly FactorPair[], coefficients: readonly number[], matmul: MatMul): Promise<Matrix> {
  const total = pairs.reduce((sum, { a }) => sum + a.rows, 0);
  const [rows, cols] = [pairs[0].b.rows, pairs[0].a.cols];
  const left = new Float32Array(rows * total);
  const right = new Float32Array(total * cols);
  let start = 0;
  for (const [t, { a, b }] of pairs.entries()) {
    for (let i = 0; i < rows; i++) for (let k = 0; k < b.cols; k++) left[i * total + start + k] = coefficients[t] * b.data[i * b.cols + k];
    right.set(a.data, start * cols);
    start += a.rows;
  }
  return matmul({ rows, cols: total, data: left }, { rows: total, cols, data: right });
}
