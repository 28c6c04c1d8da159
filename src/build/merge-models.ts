// The merge of a whole encoder, out of core: one parameter after another, each result into the spool before the next one is read. Memory
// holds a few tensors, whatever the size of the model and the number of experts.

import type { RankSpec } from '../core/compress/rank.ts';
import type { Progress } from '../core/progress.ts';
import { TwinrouteError } from '../core/errors.ts';
import type { ModuleTensor } from '../contract/manifest.ts';
import { HEAD_BIAS, HEAD_WEIGHT, storeFloats } from '../formats/expert-file.ts';
import { storeFloats as convertFloats } from '../formats/safetensors-writer.ts';
import type { Spool } from '../host/spool.ts';
import type { RankTable } from './budget-ranks.ts';
import { mergeParameter } from './merge-parameter.ts';
import type { MergeWork } from './merge-work.ts';
import { expertFile, FADE_FILE, SHARED_FILE } from './model-files.ts';
import { moduleEntry, storedTensors, type MergedModule } from './merged-module.ts';
import type { Share } from './parts/share.ts';
import type { BuildPlan } from './plan.ts';

/** How a config's `dtype` is stored, and what the manifest calls it. */
export const SHARED_FORMATS = {
  float32: { stored: 'F32', format: 'fp32', largest: 3.4028235e38 },
  float16: { stored: 'F16', format: 'fp16', largest: 65_504 },
  bfloat16: { stored: 'BF16', format: 'bf16', largest: 3.3895314e38 },
} as const;

/** What became of each parameter. */
export interface MergedTensors {
  /** By expert. */
  readonly experts: readonly (readonly ModuleTensor[])[];
  /** Of the fade; undefined where modules are about the shared model. */
  readonly fade: readonly ModuleTensor[] | undefined;
}

/**
 * Merges a share of the plan's parameters into the spool, heads included.
 * @param ranks where the plan's rule is a budget
 * @throws {TwinrouteError} `numeric` when the shared model does not fit its dtype; `format` for NaN weights
 */
export async function mergeModels(
  plan: BuildPlan,
  { settings, methodOf, ranked }: MergeWork,
  ranks: RankTable | undefined,
  share: Share,
  spool: Spool,
  progress: Progress,
): Promise<MergedTensors> {
  const { base, model, experts, config, rank } = plan;
  const withModules = new Set(ranked.map(({ name }) => name));
  const rankOf = (name: string, t: number): RankSpec => ('budget' in rank ? { rank: ranks?.(name, t) ?? 1 } : rank);
  const entries: ModuleTensor[][] = experts.map(() => []);
  const fade: ModuleTensor[] = [];
  for (const [done, { name, shape }] of model.parameters.entries()) {
    const own = share.of(name);
    if (own === undefined) continue;
    progress({ stage: 'merge', done, total: model.parameters.length, note: name });
    const sources = experts.map((expert) => expert.source.parameter(name));
    const merged = await mergeParameter(name, await base.readFloat(name), sources, {
      ...settings,
      method: methodOf(name),
      rankOf: (t) => rankOf(name, t),
    });
    const store = async (file: string, module: MergedModule, into: ModuleTensor[]): Promise<void> => {
      for (const { tensor, data } of storedTensors(name, module)) await spool.add(file, tensor, data);
      into.push(moduleEntry(name, shape, module));
    };
    if (own.shared) {
      await addShared(spool, name, shape, merged.shared, config.dtype);
      if (merged.fade !== undefined) await store(FADE_FILE, merged.fade, fade);
    }
    if (withModules.has(name)) for (const t of own.experts) await store(expertFile(experts[t].name), await merged.module(t), entries[t]);
  }
  for (const { name, source } of share.heads ? experts : []) {
    for (const { tensor, data } of [storeFloats(HEAD_WEIGHT, source.head.weight), storeFloats(HEAD_BIAS, source.head.bias)])
      await spool.add(expertFile(name), tensor, data);
  }
  progress({ stage: 'merge', done: model.parameters.length, total: model.parameters.length });
  return { experts: entries, fade: settings.about === 'base' ? fade : undefined };
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
  await spool.add(SHARED_FILE, { name, dtype: stored, shape }, convertFloats(values, stored));
}
