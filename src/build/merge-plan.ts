// The merge of a plan on one machine, from its inputs to the model files.

import type { Progress } from '../core/progress.ts';
import type { Spool } from '../host/spool.ts';
import type { MethodOf } from './adapt/adapt-input.ts';
import { measureSpectra, ranksOf, type OwnedSpectrum, type RankTable } from './budget-ranks.ts';
import type { Engine } from './engine/engine.ts';
import { mergeEmr } from './merge-emr.ts';
import { mergeModels, type MergedTensors } from './merge-models.ts';
import { mergeWork, type MergeWork } from './merge-work.ts';
import { writeModelFiles } from './model-files.ts';
import type { PackFiles } from './pack-files.ts';
import { wholeShare, type Share } from './parts/share.ts';
import type { BuildPlan } from './plan.ts';

/** What merging runs on and tells. */
export interface MergeDeps {
  readonly engine: Pick<Engine, 'matmul'>;
  readonly progress: Progress;
}

/** How much is merged, and what is known before. */
export interface MergeScope {
  /** All of the plan by default. */
  readonly share?: Share;
  /** Ranks under a budget that others have measured; else they are measured here, over all of the plan. */
  readonly ranks?: RankTable | undefined;
}

/**
 * Merges a plan and writes its model files.
 * @param methodOf the method of each parameter: the plan's own, or what it learnt
 * @throws {TwinrouteError} as `mergeModels`, `mergeEmr` and `ranksOf`
 */
export async function mergePlan(
  plan: BuildPlan,
  methodOf: MethodOf,
  spool: Spool,
  files: PackFiles,
  { engine, progress }: MergeDeps,
  { share = wholeShare(plan), ranks }: MergeScope = {},
): Promise<MergedTensors> {
  const work = mergeWork(plan, methodOf, engine.matmul);
  const tensors =
    plan.config.merge_method === 'emr'
      ? await mergeEmr(plan, share, spool, engine.matmul, progress)
      : await mergeModels(plan, work, ranks ?? (await ownRanks(plan, work, progress)), share, spool, progress);
  await writeModelFiles(plan, tensors, (file) => spool.producers(file), files);
  return tensors;
}

/** The ranks of a plan with a budget, all measured here. */
async function ownRanks(plan: BuildPlan, work: MergeWork, progress: Progress): Promise<RankTable | undefined> {
  if (!('budget' in plan.rank)) return undefined;
  const spectra: OwnedSpectrum[] = [];
  const keep = (spectrum: OwnedSpectrum): Promise<void> => Promise.resolve(void spectra.push(spectrum));
  await measureSpectra(plan, work, plan.rank.budget, wholeShare(plan), keep, progress);
  return ranksOf(spectra, work, plan.rank.budget);
}
