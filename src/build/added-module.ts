// The exclusive module of an expert that joins a finished pack: about the shared model as it is stored, or about the base where the pack has a
// fade; rank and format as the pack's config had them.

import { ranksOfBudget, valuesOfBudget, type Budget, type Spectrum } from '../core/compress/budget.ts';
import type { FactorFormat } from '../core/compress/quantise.ts';
import { chooseRank, type RankSpec } from '../core/compress/rank.ts';
import type { MatMul } from '../core/linalg/matrix.ts';
import { randomisedSvd } from '../core/linalg/randomised-svd.ts';
import type { Progress } from '../core/progress.ts';
import type { Manifest, ModuleTensor } from '../contract/manifest.ts';
import type { Base, ExpertSource } from '../formats/checkpoint.ts';
import { HEAD_BIAS, HEAD_WEIGHT, storeFloats, type StoredTensor } from '../formats/expert-file.ts';
import { storeFloats as convertFloats } from '../formats/safetensors-writer.ts';
import type { PackWeights } from '../model/pack-weights.ts';
import { SHARED_FORMATS } from './merge-models.ts';
import { compressed, denseDelta, moduleEntry, storedTensors } from './merged-module.ts';
import type { BuildPlan } from './plan.ts';
import { readTheta } from './theta.ts';

/** The expert and what it joins. */
export interface Addition {
  readonly manifest: Manifest;
  readonly weights: PackWeights;
  readonly base: Base;
  readonly source: ExpertSource;
  readonly rank: BuildPlan['rank'];
  readonly format: FactorFormat;
  readonly matmul: MatMul;
}

/**
 * Computes the module and stores it with the head, a tensor at a time.
 * @param store takes the tensors of the expert's file
 * @returns what became of each parameter
 * @throws {TwinrouteError} `config` when a budget is too small; `format` for NaN weights
 * Cost: (2p + 4)mnr a matrix for p power iterations; twice that under a budget
 */
export async function addModule(
  addition: Addition,
  store: (tensor: StoredTensor) => Promise<void>,
  progress: Progress,
): Promise<ModuleTensor[]> {
  const { manifest, weights, source, rank, format, matmul } = addition;
  const ranks = 'budget' in rank ? await ranksUnder(rank.budget, addition, progress) : undefined;
  const entries: ModuleTensor[] = [];
  const { parameters } = weights.model;
  for (const [done, { name, shape }] of parameters.entries()) {
    progress({ stage: 'merge', done, total: parameters.length, note: name });
    const spec: RankSpec = 'budget' in rank ? { rank: ranks?.get(name) ?? 1 } : rank;
    const delta = await deltaOf(addition, name);
    const module = compressed(
      await denseDelta(shape, delta, (values, energy) => chooseRank(values, energy, spec, shape[0], shape[1]), {
        matmul,
        seed: manifest.seed,
      }),
      format,
    );
    for (const tensor of storedTensors(name, module)) await store(tensor);
    entries.push(moduleEntry(name, shape, module));
  }
  progress({ stage: 'merge', done: parameters.length, total: parameters.length });
  await store(storeFloats(HEAD_WEIGHT, source.head.weight));
  await store(storeFloats(HEAD_BIAS, source.head.bias));
  return entries;
}

/** What the expert differs by; all zero where storing the shared model has rounded the difference away. */
async function deltaOf({ manifest: { shared }, weights, base, source, matmul }: Addition, name: string): Promise<Float32Array> {
  const origin = await base.readFloat(name);
  const theta = await readTheta(origin, source.parameter(name), matmul);
  const centre = shared.fade === undefined ? (await weights.shared(name)).data : origin.data;
  const { stored } = Object.values(SHARED_FORMATS).find(({ format }) => format === shared.format) ?? SHARED_FORMATS.float32;
  const [rounded, roundedCentre] = [convertFloats(theta, stored), convertFloats(centre, stored)];
  if (rounded.every((value, i) => value === roundedCentre[i])) return new Float32Array(theta.length);
  return theta.map((value, i) => value - centre[i]);
}

/** The expert's share of the pack's budget, shared out among its own matrices. */
async function ranksUnder(budget: Budget, addition: Addition, progress: Progress): Promise<ReadonlyMap<string, number>> {
  const { manifest, weights, format, matmul } = addition;
  const owners = manifest.experts.length + (manifest.shared.fade === undefined ? 0 : 1);
  const share: Budget = 'bytes' in budget ? { bytes: Math.floor(budget.bytes / owners) } : budget;
  const matrices = weights.model.parameters.flatMap(({ name, shape }) =>
    shape.length === 2 ? [{ name, shape: [shape[0], shape[1]] as const }] : [],
  );
  const limit = valuesOfBudget(
    matrices.map(({ shape }) => shape),
    share,
    format,
  );
  const found: { readonly name: string; readonly shape: Spectrum['shape']; readonly values: Float64Array; readonly energy: number }[] = [];
  for (const [done, { name, shape }] of matrices.entries()) {
    progress({ stage: 'ranks', done, total: matrices.length, note: name });
    const { s, energy } = await randomisedSvd({ rows: shape[0], cols: shape[1], data: await deltaOf(addition, name) }, limit, {
      matmul,
      seed: manifest.seed,
    });
    if (energy > 0) found.push({ name, shape, values: s, energy });
  }
  progress({ stage: 'ranks', done: matrices.length, total: matrices.length });
  const whole = found.reduce((sum, { energy }) => sum + energy, 0);
  const ranks = ranksOfBudget(
    found.map(({ shape, values }) => ({ shape, values, whole })),
    share,
    format,
  );
  return new Map(found.map(({ name }, i) => [name, ranks[i]]));
}
