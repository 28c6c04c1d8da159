// One parameter of the encoder: from the base and the experts to the shared model's tensor and each expert's exclusive module. Two ways
// lead there. Where every expert is an adapter (or unchanged) and the method is linear, nothing dense but the shared tensor itself ever
// exists: all differences are sums of the adapters' factors. Else the experts' tensors are read, one at a time when the method is linear.
//
// Letters: m × n a matrix, T experts, K summed rank of the adapters, r rank kept.

import { compressDelta, type ExclusiveTensor } from '../core/compress/exclusive-module.ts';
import type { FactorFormat } from '../core/compress/quantise.ts';
import { chooseRank, type RankSpec } from '../core/compress/rank.ts';
import { innerDense, innerLowRank } from '../core/linalg/inner.ts';
import { lowRankSvd, stackFactors, type FactorPair } from '../core/linalg/low-rank-svd.ts';
import type { MatMul, Matrix } from '../core/linalg/matrix.ts';
import { randomisedSvd } from '../core/linalg/randomised-svd.ts';
import type { RankRule } from '../core/linalg/svd.ts';
import { mergeTensor, type Parameters, type StaticMethod } from '../core/merge/method.ts';
import { createRandom } from '../core/random.ts';
import { floatTensor, type FloatTensor } from '../core/tensor.ts';
import type { ParameterSource } from '../formats/checkpoint.ts';
import { readTheta, sumOfPairs, toPair } from './theta.ts';

/** How parameters are merged; the same for all of a build. */
export interface MergeSettings {
  readonly method: StaticMethod;
  readonly parameters: Parameters;
  /** Of each expert, in expert order. */
  readonly expertParameters: readonly Parameters[];
  readonly rank: RankSpec;
  readonly format: FactorFormat;
  readonly seed: number;
  readonly matmul: MatMul;
}

/** What an expert adds to one parameter. */
export type MergedModule =
  | ({ readonly kind: 'factored' } & ExclusiveTensor)
  | { readonly kind: 'whole'; readonly delta: FloatTensor }
  | { readonly kind: 'unchanged' };

/** A merged parameter. */
export interface MergedParameter {
  /** θ_s, not rounded. */
  readonly shared: Float32Array;
  /** The exclusive module of expert t; computed when asked for, so that one is in memory at a time. */
  module(t: number): Promise<MergedModule>;
}

/**
 * Merges one parameter.
 * @param name seeds what is drawn for this parameter
 * @param base θ0
 * @param experts what each expert has for it, in expert order
 * Cost: adapters K(mn) multiply-adds for the shared tensor and about 2K³ + 4(m + n)Kr an expert; dense experts (2p + 4)mnr for p power
 * iterations and two reads each
 */
export function mergeParameter(name: string, base: FloatTensor, experts: readonly ParameterSource[], settings: MergeSettings): Promise<MergedParameter> {
  if (experts.every((expert) => expert.kind === 'same')) return Promise.resolve({ shared: base.data, module: () => Promise.resolve({ kind: 'unchanged' }) });
  const factored = settings.method.kind === 'linear' && base.shape.length === 2 && experts.every((expert) => expert.kind !== 'dense');
  return factored ? mergeFactored(base, experts, settings) : mergeDense(name, base, experts, settings);
}

async function mergeFactored(base: FloatTensor, experts: readonly ParameterSource[], settings: MergeSettings): Promise<MergedParameter> {
  const coefficients = coefficientsOf(settings);
  const [m, n] = base.shape;
  const pairs: FactorPair[] = [];
  // Position of expert t's pair in the stack; -1 where it has none.
  const places: number[] = [];
  for (const expert of experts) {
    places.push(expert.kind === 'lora' ? pairs.length : -1);
    if (expert.kind === 'lora') pairs.push(toPair(await expert.read()));
  }
  const inStack = (values: readonly number[]): number[] => values.filter((_, t) => places[t] >= 0);
  const summed = await sumOfPairs(pairs, inStack(coefficients), settings.matmul);
  const shared = base.data.map((value, i) => value + summed.data[i]);
  const stack = stackFactors(pairs);
  return {
    shared,
    module(t) {
      // θ_t − θ_s = τ_t − Σ c_j τ_j
      const own = inStack(coefficients.map((c, j) => (j === t ? 1 : 0) - c));
      const svd = lowRankSvd(stack, own, rankRule(settings, m, n));
      const module = compressDelta(svd, settings.format, (u, v) => innerLowRank(stack, own, u, v));
      return Promise.resolve(svd.energy === 0 ? { kind: 'unchanged' } : { kind: 'factored', ...module });
    },
  };
}

async function mergeDense(name: string, base: FloatTensor, experts: readonly ParameterSource[], settings: MergeSettings): Promise<MergedParameter> {
  const { method, matmul } = settings;
  const read = (t: number): Promise<Float32Array> => readTheta(base, experts[t], matmul);
  const shared = method.kind === 'linear' ? await sumStreaming(base, experts.length, read, coefficientsOf(settings)) : await mergeAtOnce(name, base, experts.length, read, settings);
  return {
    shared,
    async module(t) {
      const delta = await read(t);
      for (let i = 0; i < delta.length; i++) delta[i] -= shared[i];
      if (delta.every((value) => value === 0)) return { kind: 'unchanged' };
      if (base.shape.length !== 2) return { kind: 'whole', delta: floatTensor(base.shape, delta) };
      const [rows, cols] = base.shape;
      const matrix: Matrix = { rows, cols, data: delta };
      const svd = await randomisedSvd(matrix, rankRule(settings, rows, cols), { matmul, seed: settings.seed });
      return { kind: 'factored', ...compressDelta(svd, settings.format, (u, v) => innerDense(matrix, u, v)) };
    },
  };
}

/** θ0 + Σ c_t (θ_t − θ0), one expert in memory at a time, summed in f64 and rounded once. */
async function sumStreaming(base: FloatTensor, count: number, read: (t: number) => Promise<Float32Array>, coefficients: readonly number[]): Promise<Float32Array> {
  const sum = Float64Array.from(base.data);
  for (let t = 0; t < count; t++) {
    const theta = await read(t);
    for (let i = 0; i < sum.length; i++) sum[i] += coefficients[t] * (theta[i] - base.data[i]);
  }
  return Float32Array.from(sum);
}

/** The shared tensor of a method that has to see all task vectors together. */
async function mergeAtOnce(name: string, base: FloatTensor, count: number, read: (t: number) => Promise<Float32Array>, settings: MergeSettings): Promise<Float32Array> {
  const vectors: Float32Array[] = [];
  for (let t = 0; t < count; t++) {
    const vector = await read(t);
    for (let i = 0; i < vector.length; i++) vector[i] -= base.data[i];
    vectors.push(vector);
  }
  const { method, parameters, expertParameters, seed, matmul } = settings;
  return mergeTensor(method, { name, shape: base.shape, base: base.data, vectors, parameters, experts: expertParameters, random: createRandom(seed, name), matmul });
}

function coefficientsOf({ method, parameters, expertParameters }: MergeSettings): readonly number[] {
  return method.kind === 'linear' ? method.coefficients(parameters, expertParameters) : [];
}

function rankRule({ rank }: MergeSettings, m: number, n: number): RankRule {
  return (values, energy) => chooseRank(values, energy, rank, m, n);
}
