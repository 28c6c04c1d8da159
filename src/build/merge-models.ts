// The merge of a whole encoder, out of core: one parameter after another, each result into the spool before the next one is read. Memory
// holds a few tensors, whatever the size of the model and the number of experts.

import type { Progress } from '../core/progress.ts';
import { TwinrouteError } from '../core/errors.ts';
import type { FactorFormat, ModuleTensor } from '../contract/manifest.ts';
import type { MatMul } from '../core/linalg/matrix.ts';
import { HEAD_BIAS, HEAD_WEIGHT, storeDelta, storeFactors, storeFloats, type StoredTensor } from '../formats/expert-file.ts';
import { storeFloats as convertFloats } from '../formats/safetensors-writer.ts';
import type { Spool } from '../host/spool.ts';
import { mergeParameter, type MergedModule } from './merge-parameter.ts';
import type { BuildPlan } from './plan.ts';

/** Spool group of the shared model. */
export const SHARED_GROUP = 'shared';

/** Spool group of expert t. */
export function expertGroup(t: number): string {
  return `expert ${t}`;
}

/** How a config's `dtype` is stored, and what the manifest calls it. */
export const SHARED_FORMATS = {
  float32: { stored: 'F32', format: 'fp32', largest: 3.4028235e38 },
  float16: { stored: 'F16', format: 'fp16', largest: 65_504 },
  bfloat16: { stored: 'BF16', format: 'bf16', largest: 3.3895314e38 },
} as const;

/** How a config's `quantize` stores factors. */
export const FACTOR_FORMATS: Readonly<Record<'none' | 'fp16' | 'int8' | 'int4', FactorFormat>> = { none: 'fp32', fp16: 'fp16', int8: 'int8', int4: 'int4' };

/**
 * Merges every parameter of the plan into the spool, heads included.
 * @returns what became of each parameter, by expert
 * @throws {TwinrouteError} `numeric` when the shared model does not fit its dtype; `format` for NaN weights
 */
export async function mergeModels(plan: BuildPlan, spool: Spool, matmul: MatMul, progress: Progress): Promise<readonly (readonly ModuleTensor[])[]> {
  const { base, model, experts, config } = plan;
  const settings = {
    method: plan.method,
    parameters: plan.parameters,
    expertParameters: plan.expertParameters,
    rank: plan.rank,
    format: FACTOR_FORMATS[config.parameters.quantize],
    seed: config.parameters.seed,
    matmul,
  };
  const entries: ModuleTensor[][] = experts.map(() => []);
  for (const [done, { name, shape }] of model.parameters.entries()) {
    progress({ stage: 'merge', done, total: model.parameters.length, note: name });
    const merged = await mergeParameter(name, await base.readFloat(name), experts.map((expert) => expert.source.parameter(name)), settings);
    await addShared(spool, name, shape, merged.shared, config.dtype);
    for (const t of experts.keys()) {
      const module = await merged.module(t);
      for (const { tensor, data } of storedTensors(name, module)) await spool.add(expertGroup(t), tensor, data);
      entries[t].push(entryOf(name, shape, module));
    }
  }
  for (const [t, { source }] of experts.entries()) {
    for (const { tensor, data } of [storeFloats(HEAD_WEIGHT, source.head.weight), storeFloats(HEAD_BIAS, source.head.bias)]) await spool.add(expertGroup(t), tensor, data);
  }
  progress({ stage: 'merge', done: model.parameters.length, total: model.parameters.length });
  return entries;
}

async function addShared(spool: Spool, name: string, shape: readonly number[], values: Float32Array, dtype: keyof typeof SHARED_FORMATS): Promise<void> {
  const { stored, largest } = SHARED_FORMATS[dtype];
  const worst = values.find((value) => !(Math.abs(value) <= largest));
  if (worst !== undefined) throw new TwinrouteError('numeric', `${name}: expected merged weights within ±${largest} for ${dtype}, got ${worst}`, { param: 'dtype' });
  await spool.add(SHARED_GROUP, { name, dtype: stored, shape }, convertFloats(values, stored));
}

function storedTensors(name: string, module: MergedModule): readonly StoredTensor[] {
  switch (module.kind) {
    case 'factored':
      return storeFactors(name, module.u, module.v);
    case 'whole':
      return [storeDelta(name, module.delta)];
    case 'unchanged':
      return [];
  }
}

function entryOf(name: string, shape: readonly number[], module: MergedModule): ModuleTensor {
  const fact = { name, shape: [...shape], kind: module.kind };
  return module.kind === 'factored'
    ? { ...fact, rank: module.rank, kept_energy: module.keptEnergy, error: module.error }
    : { ...fact, rank: 0, kept_energy: 1, error: 0 };
}
