// One parameter of the encoder: from the base and the experts to the shared model's tensor and each expert's exclusive module. Two ways
// lead there. Where every expert is an adapter (or unchanged) and the method is linear, nothing dense but the shared tensor itself ever
// exists: all differences are sums of the adapters' factors. Else the experts' tensors are read, one at a time when the method is linear.
//
// Modules are about the shared model, SVD_r(θ_t − θ_s), as in the paper, or about the base, SVD_r(θ_t − θ0). About the base the shared part
// has to leave as the experts come: served is W_s + (Σw)·F + Σ w_t·V_t, with the fade F = −SVD_r(θ_s − θ0) kept as one more module. The shared
// model is then θ0 − F, so that a full mix stands on the base exactly, whatever F's rank, and only what is served of an empty mix is truncated.
// (Kept exactly, θ_s − θ0 of eight adapters of rank 16 has rank 128: at width 384 half of a dense product more for every row, and as many bytes
// as the paper's way takes for all experts in int8; as one more module of rank 16 it is 6 % and an eighth.)
//
// Letters: m × n a matrix, T experts, K summed rank of the adapters, r rank kept.

import { dequantise, type FactorFormat } from '../core/compress/quantise.ts';
import { chooseRank, type RankSpec } from '../core/compress/rank.ts';
import { innerLowRank } from '../core/linalg/inner.ts';
import { lowRankSvd, stackFactors, type FactorPair } from '../core/linalg/low-rank-svd.ts';
import type { MatMul } from '../core/linalg/matrix.ts';
import { randomisedSvd } from '../core/linalg/randomised-svd.ts';
import type { RankRule, Svd } from '../core/linalg/svd.ts';
import { mergeTensor, type Parameters, type StaticMethod } from '../core/merge/method.ts';
import { createRandom } from '../core/random.ts';
import type { FloatTensor } from '../core/tensor.ts';
import type { ParameterSource } from '../formats/checkpoint.ts';
import { compressed, denseDelta, type Delta, type MergedModule } from './merged-module.ts';
import { readTheta, sumOfPairs, toPair } from './theta.ts';

/** How parameters are merged; the same for all of a build. */
export interface MergeSettings {
  readonly method: StaticMethod;
  readonly parameters: Parameters;
  /** Of each expert, in expert order. */
  readonly expertParameters: readonly Parameters[];
  /** What modules are differences to. */
  readonly about: 'shared' | 'base';
  /** Rank of expert t's module, and of the fade for t = T. */
  readonly rankOf: (t: number) => RankSpec;
  readonly format: FactorFormat;
  readonly seed: number;
  readonly matmul: MatMul;
}

/** A merged parameter. */
export interface MergedParameter {
  /** θ_s, not rounded to its stored type. */
  readonly shared: Float32Array;
  /** What takes the shared part away as a mix fills; undefined where modules are about the shared model. */
  readonly fade: MergedModule | undefined;
  /** The exclusive module of expert t; computed when asked for, so that one is in memory at a time. */
  module(t: number): Promise<MergedModule>;
}

/** The differences of one parameter before they are compressed. */
interface Deltas {
  /** θ_s as the method makes it. */
  readonly shared: Float32Array;
  /** θ_t − θ_s or θ_t − θ0; for t = T the fade θ0 − θ_s. */
  delta(t: number, rank: RankRule): Promise<Delta>;
  /** Singular values of a matrix's delta, at least the `limit` leading ones if there are as many, without the vectors where that is cheaper. */
  values(t: number, limit: number): Promise<Pick<Svd, 's' | 'energy'>>;
}

/**
 * Merges one parameter.
 * @param name seeds what is drawn for this parameter
 * @param base θ0
 * @param experts what each expert has for it, in expert order
 * Cost: adapters K(mn) multiply-adds for the shared tensor and about 2K³ + 4(m + n)Kr an expert; dense experts (2p + 4)mnr for p power
 * iterations and two reads each
 */
export async function mergeParameter(
  name: string,
  base: FloatTensor,
  experts: readonly ParameterSource[],
  settings: MergeSettings,
): Promise<MergedParameter> {
  const { shared, delta } = await deltasOf(name, base, experts, settings);
  const module = async (t: number): Promise<MergedModule> => {
    const [m, n] = base.shape;
    const rule: RankRule = (values, energy) => chooseRank(values, energy, settings.rankOf(t), m, n);
    return compressed(await delta(t, rule), settings.format);
  };
  if (settings.about === 'shared') return { shared, fade: undefined, module };
  const fade = await module(experts.length);
  return { shared: await withoutFade(base, fade, settings.matmul), fade, module };
}

/**
 * Leading singular values of what experts add to a matrix.
 * @param limit so many values at least, if there are as many
 * @param owners experts asked for; T for the fade where modules are about the base
 * @returns in the order of `owners`
 * Cost: as `mergeParameter`; adapters need no vectors, so about 2K³ an expert
 */
export async function parameterSpectra(
  name: string,
  base: FloatTensor,
  experts: readonly ParameterSource[],
  settings: Omit<MergeSettings, 'rankOf'>,
  limit: number,
  owners: readonly number[],
): Promise<Pick<Svd, 's' | 'energy'>[]> {
  const { values } = await deltasOf(name, base, experts, settings);
  const spectra: Pick<Svd, 's' | 'energy'>[] = [];
  for (const t of owners) spectra.push(await values(t, limit));
  return spectra;
}

/** θ0 − F: the shared tensor of which the stored fade is the exact difference to the base. */
async function withoutFade(base: FloatTensor, fade: MergedModule, matmul: MatMul): Promise<Float32Array> {
  if (fade.kind === 'unchanged') return base.data;
  const { data } = fade.kind === 'whole' ? fade.delta : await matmul(dequantise(fade.u), dequantise(fade.v));
  return base.data.map((value, i) => value - data[i]);
}

function deltasOf(
  name: string,
  base: FloatTensor,
  experts: readonly ParameterSource[],
  settings: Omit<MergeSettings, 'rankOf'>,
): Promise<Deltas> {
  if (experts.every((expert) => expert.kind === 'same')) {
    return Promise.resolve({
      shared: base.data,
      delta: () => Promise.resolve({ kind: 'unchanged' }),
      values: () => Promise.resolve({ s: new Float64Array(), energy: 0 }),
    });
  }
  const factored = settings.method.kind === 'linear' && base.shape.length === 2 && experts.every((expert) => expert.kind !== 'dense');
  return factored ? factoredDeltas(base, experts, settings) : denseDeltas(name, base, experts, settings);
}

async function factoredDeltas(
  base: FloatTensor,
  experts: readonly ParameterSource[],
  settings: Omit<MergeSettings, 'rankOf'>,
): Promise<Deltas> {
  const coefficients = coefficientsOf(settings);
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
  // θ_t − θ_s = τ_t − Σ c_j τ_j; without the sum about the base, without τ_t for the fade.
  const isOwn = (j: number, t: number): number => (j === t ? 1 : 0);
  const ownOf = (t: number): number[] =>
    inStack(coefficients.map((c, j) => isOwn(j, t) - (settings.about === 'base' && t < experts.length ? 0 : c)));
  return {
    shared,
    delta(t, rank) {
      const own = ownOf(t);
      const svd = lowRankSvd(stack, own, rank);
      return Promise.resolve(
        svd.energy === 0 ? { kind: 'unchanged' } : { kind: 'factored', svd, inner: (u, v) => innerLowRank(stack, own, u, v) },
      );
    },
    values(t) {
      let all: Float64Array = new Float64Array();
      const { energy } = lowRankSvd(stack, ownOf(t), (values) => {
        all = values;
        return 1;
      });
      return Promise.resolve({ s: all, energy });
    },
  };
}

async function denseDeltas(
  name: string,
  base: FloatTensor,
  experts: readonly ParameterSource[],
  settings: Omit<MergeSettings, 'rankOf'>,
): Promise<Deltas> {
  const { about, method, matmul, seed } = settings;
  const read = (t: number): Promise<Float32Array> => readTheta(base, experts[t], matmul);
  const shared =
    method.kind === 'linear'
      ? await sumStreaming(base, experts.length, read, coefficientsOf(settings))
      : await mergeAtOnce(name, base, experts.length, read, settings);
  const differences = async (t: number): Promise<Float32Array> => {
    const isFade = t === experts.length;
    const delta = isFade ? base.data.slice() : await read(t);
    const centre = about === 'base' && !isFade ? base.data : shared;
    for (let i = 0; i < delta.length; i++) delta[i] -= centre[i];
    return delta;
  };
  const [rows, cols] = base.shape;
  return {
    shared,
    async values(t, limit) {
      return randomisedSvd({ rows, cols, data: await differences(t) }, limit, { matmul, seed });
    },
    delta: async (t, rank) => denseDelta(base.shape, await differences(t), rank, { matmul, seed }),
  };
}

/** θ0 + Σ c_t (θ_t − θ0), one expert in memory at a time, summed in f64 and rounded once. */
async function sumStreaming(
  base: FloatTensor,
  count: number,
  read: (t: number) => Promise<Float32Array>,
  coefficients: readonly number[],
): Promise<Float32Array> {
  const sum = Float64Array.from(base.data);
  for (let t = 0; t < count; t++) {
    const theta = await read(t);
    for (let i = 0; i < sum.length; i++) sum[i] += coefficients[t] * (theta[i] - base.data[i]);
  }
  return Float32Array.from(sum);
}

/** The shared tensor of a method that has to see all task vectors together. */
async function mergeAtOnce(
  name: string,
  base: FloatTensor,
  count: number,
  read: (t: number) => Promise<Float32Array>,
  settings: Omit<MergeSettings, 'rankOf'>,
): Promise<Float32Array> {
  const vectors: Float32Array[] = [];
  for (let t = 0; t < count; t++) {
    const vector = await read(t);
    for (let i = 0; i < vector.length; i++) vector[i] -= base.data[i];
    vectors.push(vector);
  }
  const { method, parameters, expertParameters, seed, matmul } = settings;
  return mergeTensor(method, {
    name,
    shape: base.shape,
    base: base.data,
    vectors,
    parameters,
    experts: expertParameters,
    random: createRandom(seed, name),
    matmul,
  });
}

function coefficientsOf({ method, parameters, expertParameters }: Omit<MergeSettings, 'rankOf'>): readonly number[] {
  return method.kind === 'linear' ? method.coefficients(parameters, expertParameters) : [];
}
