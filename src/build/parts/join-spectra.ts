// The global step of a budget: ranks for all matrices of all experts, from the spectra that shards have measured.

import { TwinrouteError } from '../../core/errors.ts';
import { ranksOf, type OwnedSpectrum, type RankTable } from '../budget-ranks.ts';
import type { BuildDeps } from '../build-pack.ts';
import { mergeWork } from '../merge-work.ts';
import type { BuildPlan } from '../plan.ts';
import { methodOf } from './method-of.ts';
import { expectParts, type Parts } from './parts.ts';
import { openSpectra, SPECTRA_FILE, type SpectraFile } from './spectra-file.ts';

/**
 * The ranks of a plan with a budget.
 * @throws {TwinrouteError} `config` when the plan has no budget; as `expectParts`; `integrity` when a spectrum is missing
 * Cost: memory for all spectra
 */
export async function joinedRanks(
  plan: BuildPlan,
  spectra: Parts,
  { engine, producer }: Pick<BuildDeps, 'engine' | 'producer'>,
): Promise<RankTable> {
  if (!('budget' in plan.rank))
    throw new TwinrouteError('config', 'expected parts with spectra only for a config with a budget, got a config without', {
      param: 'parameters.budget',
    });
  expectParts(spectra, { kind: 'spectra', config: plan.id, engine: engine.name, producer });
  const files = await Promise.all(spectra.parts.map(async ({ source }) => openSpectra(await source(SPECTRA_FILE))));
  const work = mergeWork(plan, methodOf(plan), engine.matmul);
  const owners = plan.experts.length + (work.settings.about === 'base' ? 1 : 0);
  const all: OwnedSpectrum[] = [];
  for (const { name, shape } of work.ranked) {
    if (shape.length !== 2) continue;
    for (let t = 0; t < owners; t++) all.push({ name, t, shape: [shape[0], shape[1]], ...(await find(files, name, t)) });
  }
  return ranksOf(all, work, plan.rank.budget);
}

async function find(files: readonly SpectraFile[], name: string, t: number): Promise<Pick<OwnedSpectrum, 'values' | 'energy'>> {
  for (const file of files) {
    const found = await file(name, t);
    if (found !== undefined) return found;
  }
  throw new TwinrouteError('integrity', `parts: expected the spectrum of ${name} for expert ${t}, got none`);
}
