// The ranks of a build whose config gives a budget: one pass over all parameters for their singular values, which shards may share, then one
// decision over all of them.

import type { Progress } from '../core/progress.ts';
import { ranksOfBudget, valuesOfBudget, type Budget, type Spectrum } from '../core/compress/budget.ts';
import { parameterSpectra } from './merge-parameter.ts';
import type { MergeWork } from './merge-work.ts';
import type { Share } from './parts/share.ts';
import type { BuildPlan } from './plan.ts';

/** Rank of expert t's module of a parameter; the fade's for t = T. */
export type RankTable = (parameter: string, t: number) => number;

/** The singular values of what expert t adds to a matrix; of the fade for t = T. */
export interface OwnedSpectrum {
  readonly name: string;
  readonly t: number;
  readonly shape: Spectrum['shape'];
  /** Descending. */
  readonly values: Float64Array;
  /** ‖delta‖²; 0 where there is no difference. */
  readonly energy: number;
}

/**
 * Measures a share's spectra: each matrix by name, the experts of each in their order and the fade behind them.
 * @param store takes each as it is found
 * @throws {TwinrouteError} `format` for NaN weights
 * Cost: every input of the share read once, and a decomposition of every delta
 */
export async function measureSpectra(
  { base, experts }: BuildPlan,
  { settings, methodOf, ranked }: MergeWork,
  budget: Budget,
  share: Share,
  store: (spectrum: OwnedSpectrum) => Promise<void>,
  progress: Progress,
): Promise<void> {
  const matrices = ranked.flatMap(({ name, shape }) => (shape.length === 2 ? [{ name, shape: [shape[0], shape[1]] as const }] : []));
  const ownersOf = ({ shared, experts: own }: { readonly shared: boolean; readonly experts: readonly number[] }): number[] =>
    shared && settings.about === 'base' ? [...own, experts.length] : [...own];
  const count = experts.length + (settings.about === 'base' ? 1 : 0);
  const limit = valuesOfBudget(
    matrices.flatMap(({ shape }) => Array.from({ length: count }, () => shape)),
    budget,
    settings.format,
  );
  for (const [done, { name, shape }] of matrices.entries()) {
    const own = share.of(name);
    if (own === undefined) continue;
    progress({ stage: 'ranks', done, total: matrices.length, note: name });
    const sources = experts.map((expert) => expert.source.parameter(name));
    const owners = ownersOf(own);
    const theirs = { ...settings, method: methodOf(name) };
    const spectra = await parameterSpectra(name, await base.readFloat(name), sources, theirs, limit, owners);
    for (const [i, { s, energy }] of spectra.entries()) await store({ name, t: owners[i], shape, values: s, energy });
  }
  progress({ stage: 'ranks', done: matrices.length, total: matrices.length });
}

/**
 * Shares a budget out among all matrices of all experts.
 * @param spectra all of them, in the order in which a whole share is measured: sums of energies depend on it
 * @throws {TwinrouteError} `config` when the budget is too small for a rank of 1 everywhere
 */
export function ranksOf(spectra: readonly OwnedSpectrum[], { settings }: MergeWork, budget: Budget): RankTable {
  const found = spectra.filter(({ energy }) => energy !== 0);
  const energies = new Map<number, number>();
  for (const { t, energy } of found) energies.set(t, (energies.get(t) ?? 0) + energy);
  const ranks = ranksOfBudget(
    found.map(({ t, shape, values }) => ({ shape, values, whole: energies.get(t) ?? 0 })),
    budget,
    settings.format,
  );
  const keyOf = (name: string, t: number): string => `${t} ${name}`;
  const table = new Map(found.map(({ name, t }, i) => [keyOf(name, t), ranks[i]]));
  return (name, t) => table.get(keyOf(name, t)) ?? 1;
}
