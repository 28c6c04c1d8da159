// The quality of Twin packs on real tasks: λ chosen on validation rows, the chosen pack once on the test rows.
//
//   node scripts/bench/quality.bench.ts [--config experts/twin.yaml] [--data ../shared/data] [--lambdas 0,0.1,0.2,0.3,0.4,0.5] [--limit 200]
//        [--rows 3000] [--seed 0] [--engine auto] [--validation-only] [--test-limit N] [--fresh] [--docs docs/quality.md] [--json FILE]
//
// `--limit`: validation rows a task, drawn by the seed; `--rows`: training rows a task of the router on real data; `--test-limit`: for a trial.
// Results are kept in .cache/bench/quality, so a run that was stopped goes on and a second one only reads; `--fresh` measures anew, as it must
// after a change of the code that merges or evaluates. Rows of data sets stay in that folder, which git ignores.
//
// The rule for λ, set before anything was measured: of the λ whose oracle route is within 0.5 points of the best one's, the λ whose shared
// model alone is best. At λ = 0 every exclusive module is a whole task vector, adapters of rank 16 lose nothing and the oracle route looks
// best, but the shared model is the base: a request on which the router abstains gets an answer of no worth. A few tenths of a point, less
// than these rows can tell apart, buy a shared model that knows something of every task.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { selectEngine } from '../../src/build/engine/select.ts';
import type { NamedConfig } from '../../src/build/read-config.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { drawProgress } from '../../src/cli/progress.ts';
import { readData } from '../../src/cli/quality/read-data.ts';
import { evaluate, type Evaluation } from '../../src/core/evaluate.ts';
import { createRandom } from '../../src/core/random.ts';
import { qualityMarkdown } from './lib/quality-markdown.ts';
import { resultCache } from './lib/result-cache.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import { loadConfig } from './lib/twin-config.ts';
import { mergedAnswers, routedAnswers, type QualityData, type QualityDeps } from './lib/twin-quality.ts';

const { values: options } = parseArgs({
  options: {
    config: { type: 'string', default: 'experts/twin.yaml' },
    data: { type: 'string', default: join(PACKAGE_ROOT, '../shared/data') },
    lambdas: { type: 'string', default: '0,0.1,0.2,0.3,0.4,0.5' },
    limit: { type: 'string', default: '200' },
    rows: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '0' },
    engine: { type: 'string', default: 'auto' },
    'validation-only': { type: 'boolean', default: false },
    'test-limit': { type: 'string' },
    fresh: { type: 'boolean', default: false },
    docs: { type: 'string', default: join(PACKAGE_ROOT, 'docs/quality.md') },
    json: { type: 'string' },
  },
});

/** Points of normalised quality that the oracle route may lose to the best λ. */
const TOLERANCE = 0.5;
/** The merges alone do not look at the router: a handful of its own rows keeps its training short. */
const TOKEN_EXAMPLES = 8;

type Parameters = NamedConfig['parameters'];
type Rank = Parameters['rank'];

/** One way to merge on the validation rows. */
export interface MergeFigures {
  readonly lambda: number;
  readonly rank: number;
  readonly quantize: Parameters['quantize'];
  readonly packBytes: number;
  /** Percent of the experts themselves. */
  readonly oracle: number;
  readonly shared: number;
}

/** The chosen pack on the test rows under one router. */
export interface TestFigures {
  /** What the router learned from, in words. */
  readonly router: string;
  readonly source: 'own' | 'train';
  /** Training rows of the router. */
  readonly rows: number;
  readonly evaluation: Evaluation;
}

/** What `--json` writes. */
export interface QualityReport {
  readonly facts: RunFacts;
  readonly engine: string;
  readonly seed: number;
  readonly tolerance: number;
  /** Commits that computed what stands here. */
  readonly commits: readonly string[];
  readonly validation: { readonly limit: number; readonly rows: number };
  readonly lambdas: readonly MergeFigures[];
  readonly chosen: number;
  /** At the chosen λ. */
  readonly storage: readonly MergeFigures[];
  /** Absent with `--validation-only`. */
  readonly test?: { readonly limit: number | null; readonly routers: readonly TestFigures[] };
}

const facts = runFacts();
const seed = Number(options.seed);
const folder = join(PACKAGE_ROOT, '.cache/bench/quality');
const work = join(folder, 'work');
const config = loadConfig(options.config);
const names = config.models.map((model) => model.name);

/** Rows of a split, drawn by the seed where there is a limit: some of the files are sorted by label. */
async function rowsOf(split: 'validation' | 'test', limit: number | undefined): Promise<QualityData> {
  const all = await readData(options.data, names, split);
  if (limit === undefined) return { split, drawn: undefined, tasks: all };
  const drawn = [...all].map(
    ([name, { task, rows }]) =>
      [
        name,
        {
          task,
          rows: createRandom(seed, name)
            .shuffle([...rows])
            .slice(0, limit),
        },
      ] as const,
  );
  return { split, drawn: { limit, seed }, tasks: new Map(drawn) };
}

/** The lines of a JSONL file. */
function readLines(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** The config with other examples for its router, drawn or cut from files with one row a line. */
function withExamples(
  parameters: Partial<Parameters>,
  kind: string,
  linesOf: (model: NamedConfig['models'][number]) => readonly string[],
): NamedConfig {
  const examples = join(folder, 'examples', kind);
  mkdirSync(examples, { recursive: true });
  return {
    ...config,
    parameters: { ...config.parameters, seed, ...parameters },
    models: config.models.map((model) => {
      const file = join(examples, `${model.name}.jsonl`);
      writeFileSync(file, `${linesOf(model).join('\n')}\n`);
      return { ...model, examples: file };
    }),
  };
}

/** The project's own examples. */
function ownExamples({ name, examples }: NamedConfig['models'][number]): string[] {
  if (examples === undefined) throw new Error(`quality.bench: expected examples of ${name} in ${options.config}, got none`);
  return readLines(examples);
}

/** The merge alone. */
function mergeOnly(parameters: Partial<Parameters>): NamedConfig {
  return withExamples(parameters, 'token', (model) => ownExamples(model).slice(0, TOKEN_EXAMPLES));
}

async function measureMerge(
  parameters: { readonly lambda: number; readonly rank: NonNullable<Rank>; readonly quantize: Parameters['quantize'] },
  data: QualityData,
  deps: QualityDeps,
): Promise<MergeFigures> {
  console.error(`— λ ${parameters.lambda}, rank ${parameters.rank}, ${parameters.quantize}`);
  const { tasks, packBytes } = await mergedAnswers(mergeOnly(parameters), data, deps);
  const { normalised } = evaluate(tasks);
  return { ...parameters, packBytes, oracle: normalised.oracle ?? Number.NaN, shared: normalised.shared ?? Number.NaN };
}

/** The rule at the top of this file. */
function chooseLambda(figures: readonly MergeFigures[]): number {
  const best = Math.max(...figures.map(({ oracle }) => oracle));
  const near = figures.filter(({ oracle }) => oracle >= best - TOLERANCE);
  return near.reduce((chosen, candidate) => (candidate.shared > chosen.shared ? candidate : chosen)).lambda;
}

async function measureTest(lambda: number, deps: QualityDeps): Promise<TestFigures[]> {
  const data = await rowsOf('test', options['test-limit'] === undefined ? undefined : Number(options['test-limit']));
  const parameters = { lambda, rank: 16, quantize: 'int8' } as const;
  console.error('— test rows, merged models');
  const merged = await mergedAnswers(mergeOnly(parameters), data, deps);
  const train = ({ name }: { readonly name: string }): string[] =>
    createRandom(seed, name)
      .shuffle(readLines(join(options.data, 'tasks', name, 'train.jsonl')))
      .slice(0, Number(options.rows));
  const figures: TestFigures[] = [];
  for (const [source, router, linesOf] of [
    ['own', "the project's own examples", ownExamples],
    ['train', `up to ${options.rows} training rows a task`, train],
  ] as const) {
    console.error(`— test rows, router from ${router}`);
    const routed = await routedAnswers(withExamples(parameters, 'router', linesOf), merged, data, deps);
    const rows = config.models.reduce((sum, model) => sum + linesOf(model).length, 0);
    figures.push({ router, source, rows, evaluation: evaluate(routed.tasks) });
  }
  return figures;
}

const engine = await selectEngine(options.engine, { log: console.error });
try {
  const cache = resultCache(folder, facts.commit, options.fresh);
  const deps: QualityDeps = { engine, cache, work, progress: drawProgress(process.stderr, () => performance.now()) };
  const limit = Number(options.limit);
  const validation = await rowsOf('validation', limit);
  const lambdas: MergeFigures[] = [];
  for (const lambda of options.lambdas.split(',').map(Number))
    lambdas.push(await measureMerge({ lambda, rank: 16, quantize: 'int8' }, validation, deps));
  const chosen = chooseLambda(lambdas);
  const storage: MergeFigures[] = [];
  for (const [rank, quantize] of [
    [16, 'fp16'],
    [16, 'int8'],
    [16, 'int4'],
    [8, 'int8'],
  ] as const) {
    storage.push(await measureMerge({ lambda: chosen, rank, quantize }, validation, deps));
  }
  const test = options['validation-only']
    ? undefined
    : { limit: options['test-limit'] === undefined ? null : Number(options['test-limit']), routers: await measureTest(chosen, deps) };
  const report: QualityReport = {
    facts,
    engine: engine.name,
    seed,
    tolerance: TOLERANCE,
    commits: cache.commits(),
    validation: { limit, rows: [...validation.tasks.values()].reduce((sum, { rows }) => sum + rows.length, 0) },
    lambdas,
    chosen,
    storage,
    ...(test !== undefined && { test }),
  };
  const markdown = qualityMarkdown(report);
  publish(options.json, report, () => markdown);
  if (test !== undefined) {
    mkdirSync(dirname(resolve(options.docs)), { recursive: true });
    writeFileSync(options.docs, markdown);
  }
} finally {
  await engine.dispose();
}
