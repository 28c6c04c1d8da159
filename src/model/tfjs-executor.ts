// The tfjs interpreter of `Ops`: values are tensors, so that anything computed from an encoder has gradients with respect to its
// parameters. Uses only kernels and gradients that the cpu, wasm, WebGPU and TensorFlow backends all have. Memory is the caller's: run
// it inside `tf.tidy` or `tf.grads`.
//
// Letters: B batch, T tokens, d hidden width, h attention heads, E experts, m × n a matrix, R the ranks of all experts' modules of one added up.

import type * as tfjs from '@tensorflow/tfjs';
import type { Architecture, EncoderInputs } from './architecture.ts';
import { gateMix, type Gates } from './gate.ts';
import type { Ops } from './ops.ts';

/** The tfjs module: `@tensorflow/tfjs` with any backend, or tfjs-node. */
export type Tfjs = typeof tfjs;

type Tensor = tfjs.Tensor;

/** Added to the score of a token that is not attended to: far below any score, far inside f32. */
const MASKED_SCORE = -1e9;

/** What an encoder gives for a batch. */
export interface Encoded {
  /** `[B, T, d]` */
  readonly hidden: Tensor;
  /** What heads read: `[B, d]` */
  readonly pooled: Tensor;
  /** Mean over the tokens of `hidden`: `[B, d]` */
  readonly features: Tensor;
}

/** The factors of all experts that change one matrix. */
export interface GatedFactors {
  /** `[m, R]` */
  readonly u: Tensor;
  /** `[R, m]` */
  readonly uTransposed: Tensor;
  /** `[R, n]` */
  readonly v: Tensor;
  /** `[n, R]` */
  readonly vTransposed: Tensor;
  /** Whose each rank is: 1 there, else 0, `[E, R]`. */
  readonly owners: Tensor;
}

/** Experts that parts with gates mix, each request its own way. */
export interface GatedExperts {
  readonly gates: Gates;
  /** Factors of all experts side by side; undefined where none has any. */
  factors(parameter: string): GatedFactors | undefined;
  /** What each expert adds to a vector, `[E, m]`; undefined where none adds anything. */
  deltas(parameter: string): Tensor | undefined;
}

/** What a caller may want of the operators. */
export interface TfjsOptions {
  /** Called for each linear layer, in the order in which they run. */
  readonly tap?: LinearTap;
  readonly experts?: GatedExperts;
  /** Transposes `[n, m]` of weights to which no gradient is taken: without it a linear layer's backward pass costs half. */
  readonly transposed?: (parameter: string) => Tensor | undefined;
}

/** Sees what a linear layer reads, `[B, T, n]`, or `[B, 1, n]` behind `firstToken`. */
export type LinearTap = (name: string, x: Tensor) => void;

/**
 * Runs an encoder on a batch.
 * @param parameter gives a parameter by its name in the checkpoint, without prefix
 * @param inputs int32, each `[B, T]`
 */
export function encodeBatch<C>(
  tf: Tfjs,
  architecture: Architecture<C>,
  config: C,
  parameter: (name: string) => Tensor,
  inputs: EncoderInputs<Tensor>,
  options?: TfjsOptions,
): Encoded {
  const ops = createTfjsOps(tf, parameter, options);
  const { hidden, pooled } = architecture.encode(ops, config, inputs);
  return { hidden, pooled: tf.squeeze(pooled, [1]), features: tf.squeeze(ops.meanTokens(hidden, inputs.mask), [1]) };
}

/** The operators over tensors; token ids and masks are int32. */
export function createTfjsOps(
  tf: Tfjs,
  parameter: (name: string) => Tensor,
  { tap, experts, transposed = () => undefined }: TfjsOptions = {},
): Ops<Tensor> {
  /** `[B, T, d]` → `[B, h, T, d / h]` */
  const split = (x: Tensor, heads: number): Tensor => {
    const [b, t, d] = x.shape;
    return tf.transpose(tf.reshape(x, [b, t, heads, d / heads]), [0, 2, 1, 3]);
  };

  /**
   * `x · Wᵀ`, `[rows, n]` and `[m, n]` → `[rows, m]`. tfjs's own product and gradient use transpose flags, for which the wasm backend leaves
   * its fast kernel: the two products of a backward pass at 512 × 384 × 1536 take 832 ms with flags, 44 ms without (2 busy cores,
   * November 2026).
   */
  const product = (x: Tensor, weight: Tensor): Tensor =>
    tf.customGrad((_x, _weight, save) => {
      if (typeof save === 'function') save([x, weight]);
      return {
        value: tf.matMul(x, tf.transpose(weight)),
        gradFunc: (dy: Tensor, [x, weight]: Tensor[]) => [tf.matMul(dy, weight), tf.matMul(tf.transpose(dy), x)],
      };
    })(x, weight);

  /**
   * `x · right` with `right [n, m]` and its transpose, to neither of which anybody asks for a gradient; a custom gradient would be computed all
   * the same.
   */
  const productOfFixed = (x: Tensor, right: Tensor, left: Tensor): Tensor =>
    tf.customGrad((_, save) => {
      if (typeof save === 'function') save([left]);
      return { value: tf.matMul(x, right), gradFunc: (dy: Tensor, [kept]: Tensor[]) => tf.matMul(dy, kept) };
    })(x);

  const linear = (name: string, x: Tensor): Tensor => {
    tap?.(name, x);
    const [b, t, n] = x.shape;
    const weight = parameter(`${name}.weight`);
    const rows = tf.reshape(x, [b * t, n]); // batches would be slow, too
    const right = transposed(`${name}.weight`);
    const flat = right === undefined ? product(rows, weight) : productOfFixed(rows, right, weight);
    return tf.reshape(tf.add(flat, parameter(`${name}.bias`)), [b, t, weight.shape[0]]);
  };

  /** A linear layer with the experts' modules beside it, `mix [B, 1, E]`. */
  const mixedLinear = (name: string, x: Tensor, mix: Tensor, { factors, deltas }: GatedExperts): Tensor => {
    const [b, t, n] = x.shape;
    const own = factors(`${name}.weight`);
    const delta = deltas(`${name}.bias`);
    let y = linear(name, x);
    if (own !== undefined) {
      const { u, uTransposed, v, vTransposed, owners } = own;
      const ranks = v.shape[0];
      const inner = tf.reshape(productOfFixed(tf.reshape(x, [b * t, n]), vTransposed, v), [b, t, ranks]);
      const weighted = tf.mul(inner, weightsOf(mix, owners)); // [B, T, R]
      y = tf.add(y, tf.reshape(productOfFixed(tf.reshape(weighted, [b * t, ranks]), uTransposed, u), y.shape));
    }
    return delta === undefined ? y : tf.add(y, weightsOf(mix, delta));
  };

  /** `mix [B, 1, E]` · `columns [E, k]` → `[B, 1, k]` */
  const weightsOf = (mix: Tensor, columns: Tensor): Tensor =>
    tf.expandDims(productOfFixed(tf.squeeze(mix, [1]), columns, tf.transpose(columns)), 1);

  const ops: Ops<Tensor> = {
    embed(name, ids) {
      const table = parameter(`${name}.weight`);
      const [rows, width] = table.shape;
      // gather's own gradient needs UnsortedSegmentSum, which the wasm backend lacks; scatterND adds up repeated ids just as well.
      const lookUp = tf.customGrad((_, save) => {
        if (typeof save === 'function') save([tf.reshape(ids, [ids.size, 1])]);
        return {
          value: tf.gather(table, ids),
          gradFunc: (dy: Tensor, [places]: Tensor[]) => tf.scatterND(places, tf.reshape(dy, [places.size, width]), [rows, width]),
        };
      });
      return lookUp(table);
    },

    embedPositions(name, ids) {
      const [, tokens]: readonly number[] = ids.shape;
      return tf.expandDims(tf.slice(parameter(`${name}.weight`), [0, 0], [tokens, -1]), 0);
    },

    linear,

    layerNorm(name, x, epsilon) {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const variance = tf.mean(tf.square(centred), -1, true);
      const normalised = tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
      return tf.add(tf.mul(normalised, parameter(`${name}.weight`)), parameter(`${name}.bias`));
    },

    attention(q, k, v, mask, { heads, scale }) {
      const keys = tf.transpose(split(k, heads), [0, 1, 3, 2]);
      const scores = tf.mul(tf.matMul(split(q, heads), keys), scale); // [B, h, T, T]
      const masked = tf.mul(tf.sub(1, tf.cast(mask, 'float32')), MASKED_SCORE); // [B, T]
      const shares = tf.softmax(tf.add(scores, tf.expandDims(tf.expandDims(masked, 1), 1)));
      const mixed = tf.transpose(tf.matMul(shares, split(v, heads)), [0, 2, 1, 3]); // [B, T, h, d / h]
      return tf.reshape(mixed, v.shape);
    },

    add: (a, b) => tf.add(a, b),
    gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
    relu: (x) => tf.relu(x),
    tanh: (x) => tf.tanh(x),
    firstToken: (x) => tf.slice(x, [0, 0, 0], [-1, 1, -1]),

    meanTokens(x, mask) {
      const weights = tf.expandDims(tf.cast(mask, 'float32'), 2); // [B, T, 1]
      const total = tf.sum(tf.mul(x, weights), 1, true);
      return tf.div(total, tf.maximum(tf.sum(weights, 1, true), 1));
    },

    gated(part, x, mask) {
      if (experts === undefined) return ops;
      const mix = gateMix(ops, experts.gates, part, x, mask);
      return { ...ops, linear: (name, input) => mixedLinear(name, input, mix, experts) };
    },
  };
  return ops;
}
