// The optimiser of `twinroute search` against random search and NSGA-II on real experts, at equal evaluations: weights of Task Arithmetic, one objective
// a task, as in MM-MO; the experts of the tasks have a weight each, all others one together. Measured points are kept in a file, so that a run that was stopped goes on.
//
//   node scripts/bench/search-experts.bench.ts --data DIR [--tasks sst2,trec,banking77] [--rows 32] [--budget 24] [--seeds 3] [--minutes 10]
//     [--cache FILE] [--json FILE]
//
// Hypervolume is up to the base's own costs: a merge that is not better than the base in every task counts nothing. Exits 1 as long as something is
// left to measure after `--minutes`.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hypervolume } from '../../src/core/search/hypervolume.ts';
import { searchNsga2, searchOurs, searchRandom, type Problem } from '../../test/core/search/problems.ts';
import { markdownTable } from './lib/markdown-table.ts';
import { runFacts } from './lib/run-facts.ts';
import { loadConfig } from './lib/twin-config.ts';
import { openWeightsProblem } from './lib/weights-problem.ts';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    tasks: { type: 'string', default: 'sst2,trec,banking77' },
    rows: { type: 'string', default: '32' },
    budget: { type: 'string', default: '24' },
    seeds: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '10' },
    cache: { type: 'string', default: 'search-experts.jsonl' },
    json: { type: 'string' },
  },
});
if (options.data === undefined) throw new Error('search-experts.bench: expected --data with tasks.json and tasks/<task>/validation.jsonl');
const facts = runFacts();
const tasks = options.tasks.split(',');
const [budget, rows] = [Number(options.budget), Number(options.rows)];
const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => i + 1);
const until = performance.now() + 60_000 * Number(options.minutes);

/** The time is over; the cache has what was measured. */
class OutOfTime extends Error {}

const open = await openWeightsProblem(loadConfig('experts/twin.yaml'), tasks, { data: options.data, rows, threads: 2 });
const known = new Map<string, number[]>();
const setting = `${options.tasks} ${rows}: `;
if (existsSync(options.cache)) {
  for (const line of readFileSync(options.cache, 'utf8').split('\n').slice(0, -1)) {
    const { key, costs }: { key: string; costs: number[] } = JSON.parse(line);
    known.set(key, costs);
  }
}
let [measured, seconds] = [0, 0];

async function costs(weights: readonly number[]): Promise<number[]> {
  const key = setting + weights.join(' ');
  const found = known.get(key);
  if (found !== undefined) return found;
  if (performance.now() > until) throw new OutOfTime();
  const start = performance.now();
  const fresh = await open.costs(open.experts.map((name) => weights[tasks.includes(name) ? tasks.indexOf(name) : tasks.length]));
  seconds += (performance.now() - start) / 1000;
  measured++;
  known.set(key, fresh);
  appendFileSync(options.cache, `${JSON.stringify({ key, costs: fresh })}\n`);
  return fresh;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spell = (values: readonly number[]): string =>
  `${mean(values).toFixed(4)} (${Math.min(...values).toFixed(4)} to ${Math.max(...values).toFixed(4)})`;

try {
  const reference = await costs(Array.from({ length: tasks.length + 1 }, () => 0));
  const problem: Problem = { name: tasks.join(', '), dimensions: tasks.length + 1, reference, costs };
  const volumes: Record<'ours' | 'random' | 'nsga2', number[]> = { ours: [], random: [], nsga2: [] };
  for (const seed of seeds) {
    volumes.random.push(hypervolume(await searchRandom(problem, budget, seed), reference));
    volumes.nsga2.push(hypervolume(await searchNsga2(problem, budget, seed), reference));
    const ours = (await searchOurs(problem, budget, seed)).map((observation) => observation.costs);
    volumes.ours.push(hypervolume(ours, reference));
    console.error(
      `seed ${seed}: search ${volumes.ours.at(-1)}, random ${volumes.random.at(-1)}, NSGA-II ${volumes.nsga2.at(-1)}; ${measured} measured, ${(seconds / Math.max(1, measured)).toFixed(1)} s each`,
    );
  }
  // Nobody knows the attainable front; it has at least what all searches together have found.
  const everything = hypervolume(
    [...known].flatMap(([key, found]) => (key.startsWith(setting) ? [found] : [])),
    reference,
  );
  const ratios = (others: readonly number[]): number[] => volumes.ours.map((volume, i) => volume / others[i]);
  console.log(
    `Hypervolume of ${tasks.join(', ')} (${rows} validation rows each) after ${budget} evaluations: mean of ${seeds.length} seeds (lowest to highest)\n`,
  );
  console.log(
    markdownTable(
      ['search', 'random', 'NSGA-II', 'search ÷ random', 'search ÷ NSGA-II', 'all points of all searches'],
      [
        [
          spell(volumes.ours),
          spell(volumes.random),
          spell(volumes.nsga2),
          spell(ratios(volumes.random)),
          spell(ratios(volumes.nsga2)),
          everything.toFixed(4),
        ],
      ],
    ),
  );
  if (options.json !== undefined) {
    writeFileSync(options.json, JSON.stringify({ facts, tasks, rows, budget, seeds, reference, volumes, everything }, null, 1));
  }
} catch (error) {
  if (!(error instanceof OutOfTime)) throw error;
  console.error(`out of time: ${measured} more points measured (${known.size} in all); run again to go on`);
  process.exitCode = 1;
} finally {
  await open.close();
}
