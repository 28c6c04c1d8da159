// The ranks of a build whose config gives a budget: one pass over all parameters for their singular values, then one decision.

import type { Progress } from '../core/progress.ts';
import { ranksOfBudget, valuesOfBudget, type Budget, type Spectrum } from '../core/compress/budget.ts';
import type { MethodOf } from './adapt/adapt-input.ts';
import type { ParameterSpec } from '../model/architecture.ts';
import { parameterSpectra, type MergeSettings } from './merge-parameter.ts';
import type { BuildPlan } from './plan.ts';

/** Rank of expert t's module of a parameter; the fade's for t = T. */
export type RankTable = (parameter: string, t: number) => number;

/**
 * Shares a budget out among all matrices of all experts.
 * @param parameters those with modules
 * @throws {TwinrouteError} `config` when the budget is too small for a rank of 1 everywhere
 * Cost: every input read once more, and a decomposition of every delta
 */
export async function budgetRanks(
  { base, experts }: BuildPlan,
  parameters: readonly ParameterSpec[],
  budget: Budget,
  methodOf: MethodOf,
  settings: Omit<MergeSettings, 'rankOf' | 'method'>,
  progress: Progress,
): Promise<RankTable> {
  const matrices = parameters.flatMap(({ name, shape }) => (shape.length === 2 ? [{ name, shape: [shape[0], shape[1]] as const }] : []));
  const owners = experts.length + (settings.about === 'base' ? 1 : 0);
  const limit = valuesOfBudget(
    matrices.flatMap(({ shape }) => Array.from({ length: owners }, () => shape)),
    budget,
    settings.format,
  );
  const energies = Array.from({ length: owners }, () => 0);
  const found: { readonly name: string; readonly t: number; readonly shape: Spectrum['shape']; readonly values: Float64Array }[] = [];
  for (const [done, { name, shape }] of matrices.entries()) {
    progress({ stage: 'ranks', done, total: matrices.length, note: name });
    const sources = experts.map((expert) => expert.source.parameter(name));
    const spectra = await parameterSpectra(name, await base.readFloat(name), sources, { ...settings, method: methodOf(name) }, limit);
    for (const [t, { s, energy }] of spectra.entries()) {
      if (energy === 0) continue;
      energies[t] += energy;
      found.push({ name, t, shape, values: s });
    }
  }
  progress({ stage: 'ranks', done: matrices.length, total: matrices.length });
  const ranks = ranksOfBudget(
    found.map(({ t, shape, values }) => ({ shape, values, whole: energies[t] })),
    budget,
    settings.format,
  );
  const keyOf = (name: string, t: number): string => `${t} ${name}`;
  const table = new Map(found.map(({ name, t }, i) => [keyOf(name, t), ranks[i]]));
  return (name, t) => table.get(keyOf(name, t)) ?? 1;
}
