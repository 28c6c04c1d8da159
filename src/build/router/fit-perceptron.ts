// Fits the paper's router in tfjs: two hidden layers with batch normalisation and dropout.
//
// Letters: N rows, B rows of a batch, d inputs, T classes.

import type * as tfjs from '@tensorflow/tfjs';
import type { Random } from '../../core/random.ts';
import type { Tfjs } from '../engine/engine.ts';
import { createAdam } from './adam.ts';
import { LEAK, type Layer, NORM_EPSILON } from './perceptron.ts';

type Tensor2D = tfjs.Tensor2D;
type Tensor1D = tfjs.Tensor1D;

/** Labelled vectors. */
export interface VectorRows {
  /** `[N, d]` */
  readonly vectors: Float32Array;
  /** Class of each row, `[N]`. */
  readonly labels: Int32Array;
}

/** A perceptron that learns. */
export interface PerceptronFit {
  /** One pass over the rows in a fresh random order. @param rate of learning at its first and last step */
  epoch(first: number, last: number): Promise<void>;
  /** Layers as of now, in fresh arrays; normalisations carry the statistics of all training rows. */
  layers(): Promise<Layer[]>;
}

const DROPPED = 0.5;
const EPSILON = 1e-8;

/** Parameters of one layer; `gamma` and `beta` are empty for the last, which has no normalisation. */
interface Parameters {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
}

/**
 * A perceptron d → 2d → 2d → T about to learn.
 * Cost: an epoch is O(N · d²)
 * Deviates: statistics of a normalisation are taken over all rows when they are asked for, not as running means over batches.
 */
export function createPerceptronFit(
  tf: Tfjs,
  { vectors, labels }: VectorRows,
  classes: number,
  batchSize: number,
  random: Random,
): PerceptronFit {
  const d = vectors.length / labels.length;
  const widths = [d, 2 * d, 2 * d, classes];
  const parameters = widths.slice(1).map((n, l): Parameters => {
    const m = widths[l];
    const normed = l < widths.length - 2 ? n : 0;
    const weight = Float32Array.from({ length: m * n }, () => (2 * random.uniform() - 1) / Math.sqrt(m));
    return { weight, bias: new Float32Array(n), gamma: new Float32Array(normed).fill(1), beta: new Float32Array(normed) };
  });
  const arrays = parameters.flatMap(({ weight, bias, gamma, beta }) => (gamma.length > 0 ? [weight, bias, gamma, beta] : [weight, bias]));
  const optimisers = arrays.map((array) => createAdam(array, EPSILON));
  const order = Int32Array.from(labels.keys());
  let steps = 0;
  return {
    async epoch(first, last) {
      random.shuffle(order);
      // Every batch is full but the remainder, which joins the last one: a batch of one row has no variance.
      const batches = Math.max(1, Math.floor(order.length / batchSize));
      for (let i = 0; i < batches; i++) {
        const batch = order.subarray(i * batchSize, i === batches - 1 ? order.length : (i + 1) * batchSize);
        const gradients = await batchGradients(tf, parameters, batch, { vectors, labels }, classes, random);
        steps++;
        const rate = first + ((last - first) * i) / batches;
        for (const [p, optimiser] of optimisers.entries()) optimiser.update(gradients[p], 0, arrays[p].length, rate, steps);
      }
    },
    layers: () => layersWithStatistics(tf, parameters, vectors, labels.length),
  };
}

/** Gradients of a batch's cross-entropy in the order weight, bias, gamma, beta of each layer. */
async function batchGradients(
  tf: Tfjs,
  parameters: readonly Parameters[],
  batch: Int32Array,
  rows: VectorRows,
  classes: number,
  random: Random,
): Promise<Float32Array[]> {
  const d = rows.vectors.length / rows.labels.length;
  const inputs = new Float32Array(batch.length * d);
  const targets = new Float32Array(batch.length * classes);
  for (const [r, row] of batch.entries()) {
    inputs.set(rows.vectors.subarray(row * d, (row + 1) * d), r * d);
    targets[r * classes + rows.labels[row]] = 1;
  }
  const masks = parameters
    .slice(0, -1)
    .map(({ bias }) =>
      Float32Array.from({ length: batch.length * bias.length }, () => (random.uniform() < DROPPED ? 0 : 1 / (1 - DROPPED))),
    );
  const gradients = tf.tidy(() => {
    const target = tf.tensor2d(targets, [batch.length, classes]);
    const loss = (...variables: tfjs.Tensor[]): tfjs.Scalar => {
      let x: tfjs.Tensor = tf.tensor2d(inputs, [batch.length, d]);
      for (const [l, mask] of masks.entries()) {
        const [weight, bias, gamma, beta] = variables.slice(4 * l, 4 * l + 4);
        const y = tf.add(tf.matMul(x, weight), bias);
        const mean = tf.mean(y, 0, true);
        const centred = tf.sub(y, mean);
        const variance = tf.mean(tf.square(centred), 0, true);
        const normed = tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, NORM_EPSILON))), gamma), beta);
        x = tf.mul(tf.leakyRelu(normed, LEAK), tf.tensor2d(mask, [batch.length, mask.length / batch.length]));
      }
      const [weight, bias] = variables.slice(-2);
      return tf.losses.softmaxCrossEntropy(target, tf.add(tf.matMul(x, weight), bias)).asScalar();
    };
    return tf.grads(loss)(parameters.flatMap((layer) => tensorsOf(tf, layer)));
  });
  try {
    return await Promise.all(gradients.map(async (gradient) => Float32Array.from(await gradient.data())));
  } finally {
    tf.dispose(gradients);
  }
}

function tensorsOf(tf: Tfjs, { weight, bias, gamma, beta }: Parameters): (Tensor1D | Tensor2D)[] {
  const linear = [tf.tensor2d(weight, [weight.length / bias.length, bias.length]), tf.tensor1d(bias)];
  return gamma.length > 0 ? [...linear, tf.tensor1d(gamma), tf.tensor1d(beta)] : linear;
}

async function layersWithStatistics(tf: Tfjs, parameters: readonly Parameters[], vectors: Float32Array, rows: number): Promise<Layer[]> {
  const layers: Layer[] = [];
  let x: Tensor2D = tf.tensor2d(vectors, [rows, vectors.length / rows]);
  for (const layer of parameters) {
    const { weight, bias, gamma, beta } = layer;
    const copies = { weight: weight.slice(), bias: bias.slice() };
    if (gamma.length === 0) {
      layers.push(copies);
      break;
    }
    const [mean, variance, next] = tf.tidy(() => {
      const [w, b, g, shift] = tensorsOf(tf, layer);
      const y = tf.add(tf.matMul(x, w), b);
      const centre = tf.mean(y, 0);
      const centred = tf.sub(y, centre);
      const spread = tf.mean(tf.square(centred), 0);
      const normed = tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(spread, NORM_EPSILON))), g), shift);
      return [centre, spread, tf.leakyRelu(normed, LEAK).as2D(rows, bias.length)];
    });
    const statistics = { mean: Float32Array.from(await mean.data()), variance: Float32Array.from(await variance.data()) };
    layers.push({ ...copies, norm: { ...statistics, gamma: gamma.slice(), beta: beta.slice() } });
    tf.dispose([x, mean, variance]);
    x = next;
  }
  x.dispose();
  return layers;
}
