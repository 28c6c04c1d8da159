// The optimiser of `twinroute search` against random search and NSGA-II at equal evaluations: hypervolume on problems with known fronts.
//
//   node scripts/bench/search.bench.ts [--budget 40] [--seeds 5] [--json FILE]

import { parseArgs } from 'node:util';
import { hypervolume } from '../../src/core/search/hypervolume.ts';
import { braninCurrin, searchNsga2, searchOurs, searchRandom, zdt1, zdt2 } from '../../test/core/search/problems.ts';
import { markdownTable } from './lib/markdown-table.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';

const { values: options } = parseArgs({
  options: { budget: { type: 'string', default: '40' }, seeds: { type: 'string', default: '5' }, json: { type: 'string' } },
});
const facts = runFacts();
const budget = Number(options.budget);
const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => i + 1);

/** Hypervolumes of a problem, one a seed. */
interface ProblemFigures {
  readonly problem: string;
  readonly reference: readonly number[];
  readonly ours: readonly number[];
  readonly random: readonly number[];
  readonly nsga2: readonly number[];
  readonly secondsEach: number;
}

/** What `--json` writes. */
export interface SearchReport {
  readonly facts: RunFacts;
  readonly budget: number;
  readonly seeds: readonly number[];
  readonly results: readonly ProblemFigures[];
}

const results: ProblemFigures[] = [];
for (const problem of [zdt1, zdt2, braninCurrin]) {
  const volumes = async (search: (seed: number) => Promise<readonly (readonly number[])[]>): Promise<number[]> => {
    const found: number[] = [];
    for (const seed of seeds) found.push(hypervolume(await search(seed), problem.reference));
    return found;
  };
  const start = performance.now();
  const ours = await volumes(async (seed) => (await searchOurs(problem, budget, seed)).map(({ costs }) => costs));
  const secondsEach = (performance.now() - start) / 1000 / seeds.length;
  results.push({
    problem: problem.name,
    reference: problem.reference,
    ours,
    random: await volumes((seed) => searchRandom(problem, budget, seed)),
    nsga2: await volumes((seed) => searchNsga2(problem, budget, seed)),
    secondsEach,
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spell = (values: readonly number[]): string =>
  `${mean(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
const report: SearchReport = { facts, budget, seeds, results };
publish(options.json, report, () =>
  [
    `Hypervolume after ${budget} evaluations: mean of ${seeds.length} seeds (lowest to highest)\n`,
    markdownTable(
      ['problem', 'reference', 'search', 'random', 'NSGA-II', 'seconds a search'],
      results.map(({ problem, reference, ours, random, nsga2, secondsEach }) => [
        problem,
        reference.join(', '),
        spell(ours),
        spell(random),
        spell(nsga2),
        secondsEach.toFixed(1),
      ]),
    ),
  ].join('\n'),
);
