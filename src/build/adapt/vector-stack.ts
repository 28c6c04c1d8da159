// The task vectors of one parameter on the engine: what makes the merged parameter of coefficients, and gradients of coefficients of the
// merged parameter's gradient. By the chain rule ∂L/∂c_t = ⟨∂L/∂W, τ_t⟩, so that one backward pass with respect to the merged model serves all
// coefficients, and adapters are never multiplied out one by one.
//
// Letters: T experts, m × n a matrix, K summed rank of the adapters.

import type * as tfjs from '@tensorflow/tfjs';
import { sizeOf, type FloatTensor } from '../../core/tensor.ts';
import type { FactorPair } from '../../core/linalg/low-rank-svd.ts';
import { matmulPlain } from '../../core/linalg/matmul.ts';
import type { ParameterSource } from '../../formats/checkpoint.ts';
import type { Tfjs } from '../engine/engine.ts';
import { readTheta, toPair } from '../theta.ts';

/** Task vectors of one parameter. */
export interface VectorStack {
  /** θ0 + Σ c_t·τ_t, of the parameter's shape. */
  merge(coefficients: readonly number[]): tfjs.Tensor;
  /** ⟨gradient, τ_t⟩, `[T]`. */
  inner(gradient: tfjs.Tensor): tfjs.Tensor;
  /** Takes everything off the engine. */
  dispose(): void;
}

/** What is done to dense task vectors before they are stacked. */
export type Prepare = (vectors: readonly Float32Array[]) => readonly Float32Array[];

/**
 * Puts the task vectors of a parameter on the engine.
 * @param prepare undefined: adapters stay factored
 * Cost: (m + n)K numbers for adapters, Tmn for others and with `prepare`
 */
export async function stackVectors(
  tf: Tfjs,
  base: FloatTensor,
  sources: readonly ParameterSource[],
  prepare: Prepare | undefined,
): Promise<VectorStack> {
  const factored = prepare === undefined && base.shape.length === 2 && sources.every(({ kind }) => kind !== 'dense');
  const origin = tf.tensor(base.data, [...base.shape]);
  return factored ? stackFactored(tf, origin, await readPairs(sources)) : stackDense(tf, origin, await readVectors(base, sources, prepare));
}

/** An adapter's pair for each expert that has one. */
async function readPairs(sources: readonly ParameterSource[]): Promise<readonly (FactorPair | undefined)[]> {
  return Promise.all(sources.map(async (source) => (source.kind === 'lora' ? toPair(await source.read()) : undefined)));
}

async function readVectors(
  base: FloatTensor,
  sources: readonly ParameterSource[],
  prepare: Prepare | undefined,
): Promise<readonly Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (const source of sources) {
    const vector = await readTheta(base, source, matmulPlain);
    for (let i = 0; i < vector.length; i++) vector[i] -= base.data[i];
    vectors.push(vector);
  }
  return prepare === undefined ? vectors : prepare(vectors);
}

function stackFactored(tf: Tfjs, base: tfjs.Tensor, pairs: readonly (FactorPair | undefined)[]): VectorStack {
  const owners = pairs.flatMap((pair, t) => Array.from({ length: pair?.a.rows ?? 0 }, () => t)); // [K]
  const own = pairs.flatMap((pair) => pair ?? []);
  const [left, right, sums] = tf.tidy(() => [
    tf.concat(
      own.map(({ b }) => tf.tensor2d(b.data, [b.rows, b.cols])),
      1,
    ), // [m, K]
    tf.concat(
      own.map(({ a }) => tf.tensor2d(a.data, [a.rows, a.cols])),
      0,
    ), // [K, n]
    tf.tensor2d(pairs.map((_, t) => owners.map((owner) => (owner === t ? 1 : 0)))), // [T, K]
  ]);
  const leftTransposed = tf.transpose(left); // the wasm backend is slow with transpose flags
  left.dispose();
  return {
    merge: (coefficients) =>
      tf.tidy(() => {
        const scaled = tf.mul(
          leftTransposed,
          tf.tensor2d(
            owners.map((t) => coefficients[t]),
            [owners.length, 1],
          ),
        );
        return tf.add(base, tf.matMul(tf.transpose(scaled), right));
      }),
    inner: (gradient) =>
      tf.tidy(() => {
        const byRank = tf.sum(tf.mul(tf.matMul(leftTransposed, gradient), right), 1, true); // [K, 1]
        return tf.reshape(tf.matMul(sums, byRank), [pairs.length]);
      }),
    dispose: () => tf.dispose([base, leftTransposed, right, sums]),
  };
}

function stackDense(tf: Tfjs, base: tfjs.Tensor, vectors: readonly Float32Array[]): VectorStack {
  const size = sizeOf(base.shape);
  const stack = tf.tidy(() => tf.stack(vectors.map((vector) => tf.tensor1d(vector)))); // [T, mn]
  return {
    merge: (coefficients) =>
      tf.tidy(() => tf.add(base, tf.reshape(tf.matMul(tf.tensor2d([...coefficients], [1, vectors.length]), stack), base.shape))),
    inner: (gradient) => tf.tidy(() => tf.reshape(tf.matMul(stack, tf.reshape(gradient, [size, 1])), [vectors.length])),
    dispose: () => tf.dispose([base, stack]),
  };
}
