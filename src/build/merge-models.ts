// The merge of a whole encoder, out of core: one parameter after another, each result into the spool before the next one is read. Memory
// holds a few tensors, whatever the size of the model and the number of experts.

import type { RankSpec } from '../core/compress/rank.ts';
import type { Progress } from '../core/progress.ts';
import { TwinrouteError } from '../core/errors.ts';
import { baseAlone } from '../core/merge/wemoe.ts';
import type { FactorFormat, ModuleTensor } from '../contract/manifest.ts';
import type { MatMul } from '../core/linalg/matrix.ts';
import { HEAD_BIAS, HEAD_WEIGHT, storeFloats } from '../formats/expert-file.ts';
import { storeFloats as convertFloats } from '../formats/safetensors-writer.ts';
import type { Spool } from '../host/spool.ts';
import type { MethodOf } from './adapt/adapt-input.ts';
import { budgetRanks } from './budget-ranks.ts';
import { mergeParameter } from './merge-parameter.ts';
import { moduleEntry, storedTensors, type MergedModule } from './merged-module.ts';
import type { BuildPlan } from './plan.ts';

/** Spool group of the shared model. */
export const SHARED_GROUP = 'shared';

/** Spool group of expert t. */
export function expertGroup(t: number): string {
  return `expert ${t}`;
}

/** Spool group of the fade. */
export const FADE_GROUP = 'fade';

/** How a config's `dtype` is stored, and what the manifest calls it. */
export const SHARED_FORMATS = {
  float32: { stored: 'F32', format: 'fp32', largest: 3.4028235e38 },
  float16: { stored: 'F16', format: 'fp16', largest: 65_504 },
  bfloat16: { stored: 'BF16', format: 'bf16', largest: 3.3895314e38 },
} as const;

/** How a config's `quantize` stores factors. */
export const FACTOR_FORMATS: Readonly<Record<'none' | 'fp16' | 'int8' | 'int4', FactorFormat>> = {
  none: 'fp32',
  fp16: 'fp16',
  int8: 'int8',
  int4: 'int4',
};

/** What became of each parameter. */
export interface MergedTensors {
  /** By expert. */
  readonly experts: readonly (readonly ModuleTensor[])[];
  /** Of the fade; undefined where modules are about the shared model. */
  readonly fade: readonly ModuleTensor[] | undefined;
}

/**
 * Merges every parameter of the plan into the spool, heads included. Under gates, gated parameters are the base's with modules about it, and
 * no other parameter has modules.
 * @param methodOf the method of each parameter: the plan's own, or what it learnt
 * @throws {TwinrouteError} `numeric` when the shared model does not fit its dtype; `format` for NaN weights
 */
export async function mergeModels(
  plan: BuildPlan,
  methodOf: MethodOf,
  spool: Spool,
  matmul: MatMul,
  progress: Progress,
): Promise<MergedTensors> {
  const { base, model, experts, config, rank } = plan;
  const { about } = config.parameters;
  const gated = plan.gates && new Set(model.architecture.parts(model.config).flatMap(({ parameters }) => parameters));
  const settings = {
    parameters: plan.parameters,
    expertParameters: plan.expertParameters,
    about,
    format: FACTOR_FORMATS[config.parameters.quantize],
    seed: config.parameters.seed,
    matmul,
  };
  const hasModules = (name: string): boolean => plan.sharedOnly !== true && (gated === undefined || gated.has(name));
  const ownMethod: MethodOf = (name) => (gated?.has(name) === true ? baseAlone : methodOf(name));
  const ranked = model.parameters.filter(({ name }) => hasModules(name));
  const table = 'budget' in rank ? await budgetRanks(plan, ranked, rank.budget, ownMethod, settings, progress) : undefined;
  const rankOf = (name: string, t: number): RankSpec => ('budget' in rank ? { rank: table?.(name, t) ?? 1 } : rank);
  const entries: ModuleTensor[][] = experts.map(() => []);
  const fade: ModuleTensor[] = [];
  for (const [done, { name, shape }] of model.parameters.entries()) {
    progress({ stage: 'merge', done, total: model.parameters.length, note: name });
    const sources = experts.map((expert) => expert.source.parameter(name));
    const merged = await mergeParameter(name, await base.readFloat(name), sources, {
      ...settings,
      method: ownMethod(name),
      rankOf: (t) => rankOf(name, t),
    });
    await addShared(spool, name, shape, merged.shared, config.dtype);
    const store = async (group: string, module: MergedModule, into: ModuleTensor[]): Promise<void> => {
      for (const { tensor, data } of storedTensors(name, module)) await spool.add(group, tensor, data);
      into.push(moduleEntry(name, shape, module));
    };
    if (merged.fade !== undefined) await store(FADE_GROUP, merged.fade, fade);
    if (hasModules(name)) for (const t of experts.keys()) await store(expertGroup(t), await merged.module(t), entries[t]);
  }
  for (const [t, { source }] of experts.entries()) {
    for (const { tensor, data } of [storeFloats(HEAD_WEIGHT, source.head.weight), storeFloats(HEAD_BIAS, source.head.bias)])
      await spool.add(expertGroup(t), tensor, data);
  }
  progress({ stage: 'merge', done: model.parameters.length, total: model.parameters.length });
  return { experts: entries, fade: about === 'base' ? fade : undefined };
}

async function addShared(
  spool: Spool,
  name: string,
  shape: readonly number[],
  values: Float32Array,
  dtype: keyof typeof SHARED_FORMATS,
): Promise<void> {
  const { stored, largest } = SHARED_FORMATS[dtype];
  const worst = values.find((value) => !(Math.abs(value) <= largest));
  if (worst !== undefined)
    throw new TwinrouteError('numeric', `${name}: expected merged weights within ±${largest} for ${dtype}, got ${worst}`, {
      param: 'dtype',
    });
  await spool.add(SHARED_GROUP, { name, dtype: stored, shape }, convertFloats(values, stored));
}
