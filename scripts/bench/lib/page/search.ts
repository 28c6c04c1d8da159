// The optimiser of `twinroute search`, on the page.

import type { SearchReport } from '../../search.bench.ts';
import type { Section } from './section.ts';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The section. */
export function searchSection({ budget, seeds, results }: SearchReport): Section {
  const spell = (values: readonly number[]): string =>
    `${mean(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
  return {
    title: 'Search',
    about: `Hypervolume of \`twinroute search\` after ${budget} evaluations on problems with known fronts, beside random search and NSGA-II at as many: mean of ${seeds.length} seeds (lowest to highest).`,
    lines: results.map(({ problem, ours, random, nsga2, secondsEach }) => ({
      what: problem,
      target: 'above both',
      measured: `${spell(ours)}; random ${spell(random)}, NSGA-II ${spell(nsga2)}; ${secondsEach.toFixed(1)} s a search`,
      met: mean(ours) > Math.max(mean(random), mean(nsga2)),
    })),
  };
}
