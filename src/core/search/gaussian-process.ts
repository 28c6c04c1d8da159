// A Gaussian process over the unit cube: Matérn 5/2 with a length for every dimension, a constant mean, and noise. It is the surrogate
// of one objective, fitted anew whenever measurements arrive.
//
// Letters: n measurements, d dimensions.

import { TwinrouteError } from '../errors.ts';
import { factorCholesky, solveRows } from '../linalg/cholesky.ts';
import { axpy, dot, rowsOf, zeros, type Dense } from '../linalg/kernels.ts';
import { createRandom } from '../random.ts';
import { ascend, type Slope } from './ascend.ts';
import type { Point } from './space.ts';

/** What is learnt of an objective, all above 0. */
export interface Hyperparameters {
  /** `[d]`, in units of the cube. */
  readonly lengths: readonly number[];
  /** Variance of the measurements' noise as a share of the signal's. */
  readonly noise: number;
}

/** The posterior of the noiseless function at a point. */
export interface Posterior {
  readonly mean: number;
  /** Standard deviation. */
  readonly deviation: number;
}

/** A conditioned process. */
export interface GaussianProcess {
  readonly hyperparameters: Hyperparameters;
  /** Log marginal likelihood of the standardised measurements, the signal's variance at its best value. */
  readonly logLikelihood: number;
  /** Cost: n² multiply-adds */
  predict(point: Point): Posterior;
  /** The same process with further measurements, its hyperparameters kept. */
  extend(points: readonly Point[], values: readonly number[]): GaussianProcess;
}

/** Bounds of a length: below, points do not tell about their neighbours; above, the dimension does not matter. */
const LENGTHS = [0.02, 20] as const;
/** The lower bound keeps the factorisation well away from rounding. */
const NOISE = [1e-6, 1] as const;
const STARTS = 3;
const STEPS = 40;

/**
 * The process whose hyperparameters make the measurements most likely.
 * @param points `[n]` of `[d]`, n ≥ 1
 * @param values `[n]`
 * @param seed of the starts beside the first
 * @throws {TwinrouteError} `numeric` when a value is not finite
 * Cost: up to 120 times n³ + n²d multiply-adds
 * Source: Rasmussen and Williams 2006, sections 2.2, 4.2 and 5.4.1
 */
export function fitGaussianProcess(points: readonly Point[], values: readonly number[], seed: number): GaussianProcess {
  const dimensions = points[0].length;
  const bounds = [...Array.from({ length: dimensions }, () => LENGTHS), NOISE].map(([min, max]): [number, number] => [
    Math.log(min),
    Math.log(max),
  ]);
  const targets = standardise(values).standard;
  const slopeAt = (x: Float64Array): Slope | undefined => likelihood(points, targets, fromLogs(x));
  const random = createRandom(seed, 'gaussian process');
  const first = [...Array.from({ length: dimensions }, () => Math.log(0.5)), Math.log(1e-3)];
  const drawn = (): number[] =>
    first.map((_, i) =>
      i < dimensions ? Math.log(0.1) + Math.log(20) * random.uniform() : Math.log(1e-5) + Math.log(1e4) * random.uniform(),
    );
  let best: { x: Float64Array; value: number } | undefined;
  for (const start of [first, ...Array.from({ length: STARTS - 1 }, drawn)]) {
    const found = ascend(slopeAt, start, bounds, STEPS);
    if (found !== undefined && (best === undefined || found.value > best.value)) best = found;
  }
  return conditionProcess(points, values, fromLogs(best?.x ?? Float64Array.from(first)));
}

/**
 * The process under given hyperparameters.
 * @throws {TwinrouteError} `numeric` when a value is not finite
 * Cost: n³/6 multiply-adds
 */
export function conditionProcess(points: readonly Point[], values: readonly number[], hyperparameters: Hyperparameters): GaussianProcess {
  const { mean, scale, standard } = standardise(values);
  const n = points.length;
  const factor = factorWithJitter(points, hyperparameters);
  const weights = zeros(1, n);
  weights.data.set(standard);
  solveRows(factor, weights);
  const alpha = weights.data; // K⁻¹y
  const rows = rowsOf(factor);
  const variance = signalVariance(dot(standard, alpha), n);
  return {
    hyperparameters,
    logLikelihood: concentrated(factor, variance, n),
    predict(point) {
      const cross = Float64Array.from(points, (other) => matern(point, other, hyperparameters.lengths));
      // ‖L⁻¹k‖² by forward substitution; the diagonal of the prior is 1.
      const half = cross.slice();
      for (const [i, row] of rows.entries()) half[i] = (half[i] - dot(row, half, 0, i)) / row[i];
      const left = Math.max(0, 1 - dot(half, half));
      return { mean: mean + scale * dot(cross, alpha), deviation: scale * Math.sqrt(variance * left) };
    },
    extend: (more, moreValues) => conditionProcess([...points, ...more], [...values, ...moreValues], hyperparameters),
  };
}

/** Log marginal likelihood and its gradient in the logarithms of lengths and noise; undefined where the matrix does not factor. */
export function likelihood(points: readonly Point[], targets: Float64Array, hyperparameters: Hyperparameters): Slope | undefined {
  const { lengths, noise } = hyperparameters;
  const n = points.length;
  const factor = covariance(points, hyperparameters);
  try {
    factorCholesky(factor);
  } catch {
    return undefined;
  }
  const inverse = zeros(n, n);
  for (let i = 0; i < n; i++) inverse.data[i * n + i] = 1;
  solveRows(factor, inverse);
  const alpha = new Float64Array(n);
  for (const [i, row] of rowsOf(inverse).entries()) axpy(targets[i], row, alpha);
  const variance = signalVariance(dot(targets, alpha), n);
  const gradient = new Float64Array(lengths.length + 1);
  // ∂/∂θ = ½ Σ_ij (α_i α_j/σ² − K⁻¹_ij) ∂K_ij/∂θ; the matrix is symmetric, so each pair counts twice.
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const outer = (alpha[i] * alpha[j]) / variance - inverse.data[i * n + j];
      const slope = maternSlope(points[i], points[j], lengths);
      for (let k = 0; k < lengths.length; k++) gradient[k] += outer * slope * ((points[i][k] - points[j][k]) / lengths[k]) ** 2;
    }
    gradient[lengths.length] += 0.5 * noise * (alpha[i] ** 2 / variance - inverse.data[i * n + i]);
  }
  return { value: concentrated(factor, variance, n), gradient };
}

/** Mean 0 and variance 1; a constant becomes zeros. */
export function standardise(values: readonly number[]): { readonly mean: number; readonly scale: number; readonly standard: Float64Array } {
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new TwinrouteError('numeric', `gaussian process: expected finite values, got ${wrong}`);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  // A deviation that is rounding alone carries nothing.
  const scale = deviation > 1e-12 * Math.max(1, Math.abs(mean)) ? deviation : 1;
  return { mean, scale, standard: Float64Array.from(values, (value) => (value - mean) / scale) };
}

/** log p(y) with the signal's variance at its maximum. */
function concentrated(factor: Dense, variance: number, n: number): number {
  let logDiagonal = 0;
  for (let i = 0; i < n; i++) logDiagonal += Math.log(factor.data[i * n + i]);
  return -0.5 * n * (1 + Math.log(2 * Math.PI * variance)) - logDiagonal;
}

/** yᵀK⁻¹y/n, the most likely variance; bounded below so that a constant objective keeps some doubt. */
function signalVariance(fit: number, n: number): number {
  return Math.max(fit / n, 1e-6);
}

/** L of K = LLᵀ. Points that coincide while the noise is small can lose definiteness to rounding; the diagonal then grows. */
function factorWithJitter(points: readonly Point[], hyperparameters: Hyperparameters): Dense {
  for (let jitter = 0; ; jitter = Math.max(1e-10, 10 * jitter)) {
    const factor = covariance(points, { ...hyperparameters, noise: hyperparameters.noise + jitter });
    try {
      factorCholesky(factor);
      return factor;
    } catch (error) {
      if (jitter > 1) throw error;
    }
  }
}

/** Lower triangle of the covariance over the signal's variance, `[n, n]`. */
function covariance(points: readonly Point[], { lengths, noise }: Hyperparameters): Dense {
  const n = points.length;
  const k = zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) k.data[i * n + j] = matern(points[i], points[j], lengths);
    k.data[i * n + i] = 1 + noise;
  }
  return k;
}

/** (1 + √5r + 5r²/3)·exp(−√5r), r the distance in lengths. */
function matern(a: Point, b: Point, lengths: readonly number[]): number {
  const r = Math.sqrt(5 * squaredDistance(a, b, lengths));
  return (1 + r + (r * r) / 3) * Math.exp(-r);
}

/** ∂matern/∂log length_k, over ((a_k − b_k)/length_k)²: 5/3·(1 + √5r)·exp(−√5r). */
function maternSlope(a: Point, b: Point, lengths: readonly number[]): number {
  const r = Math.sqrt(5 * squaredDistance(a, b, lengths));
  return (5 / 3) * (1 + r) * Math.exp(-r);
}

function squaredDistance(a: Point, b: Point, lengths: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < lengths.length; i++) sum += ((a[i] - b[i]) / lengths[i]) ** 2;
  return sum;
}

function fromLogs(x: Float64Array): Hyperparameters {
  return { lengths: Array.from(x.subarray(0, -1), Math.exp), noise: Math.exp(x[x.length - 1]) };
}
