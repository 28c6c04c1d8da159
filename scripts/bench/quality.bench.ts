// The quality of every method on the eight experts of the sample: settings chosen on validation rows, the chosen ones once on the test rows.
//
//   npm run bench:quality -- [--data ../shared/data] [--limit 200] [--test-limit N] [--rows 3000] [--texts 256] [--seeds 0,1,2] [--jobs 2]
//        [--only NAME,…,curve,whole] [--kept] [--fresh] [--engine auto] [--docs docs/quality.md] [--json FILE]
//
// `--limit`: validation rows a task; `--rows`: training rows a task of the router; `--texts`: unlabelled training texts a task of methods that
// learn from texts; all drawn by the seed. The first seed makes the tables; the others repeat what the targets compare. `--only` measures
// those methods, the curve over ranks, or the packs on all test rows. Answers are kept in .cache/bench/quality, so a run that was stopped goes on and a second one only
// reads; `--kept` writes the page of what is there. `--fresh` measures anew, as it must after a change of the code that merges or evaluates.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { selectEngine } from '../../src/build/engine/select.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { drawProgress } from '../../src/cli/progress.ts';
import { Example } from '../../src/contract/tasks.ts';
import { createRandom } from '../../src/core/random.ts';
import { parseJsonl } from '../../src/formats/jsonl.ts';
import { openLab, type Lab } from './lib/quality-lab.ts';
import { qualityMarkdown } from './lib/quality-markdown.ts';
import { qualityPlot } from './lib/quality-plot.ts';
import { countRows, drawRows } from './lib/quality-rows.ts';
import {
  createStudy,
  type CurveFigures,
  type LambdaFigures,
  type MethodFigures,
  type Question,
  type WholeFigures,
  type SeedRows,
  type Study,
} from './lib/quality-study.ts';
import { resultCache } from './lib/result-cache.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import { loadConfig } from './lib/twin-config.ts';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: join(PACKAGE_ROOT, '../shared/data') },
    limit: { type: 'string', default: '200' },
    'test-limit': { type: 'string' },
    rows: { type: 'string', default: '3000' },
    texts: { type: 'string', default: '256' },
    seeds: { type: 'string', default: '0,1,2' },
    jobs: { type: 'string', default: '2' },
    only: { type: 'string' },
    kept: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    engine: { type: 'string', default: 'auto' },
    docs: { type: 'string', default: join(PACKAGE_ROOT, 'docs/quality.md') },
    json: { type: 'string' },
    /** Of a child process: `validation 0` asks the first share of that stage's questions. */
    part: { type: 'string' },
  },
});

const CONFIG = 'experts/twin.yaml';
/** Each asks for what the answers of those before chose. */
const STAGES = ['validation', 'curve', 'test', 'whole'] as const;
type Stage = (typeof STAGES)[number];

/** What `--json` writes. */
export interface QualityReport {
  readonly facts: RunFacts;
  /** Commits that computed what stands here. */
  readonly commits: readonly string[];
  readonly rows: { readonly validation: number; readonly test: number; readonly router: number; readonly texts: number };
  readonly limits: { readonly validation: number; readonly test: number | undefined };
  /** By seed, the first one whole. */
  readonly seeds: readonly { readonly seed: number; readonly methods: readonly MethodFigures[] }[];
  readonly curve: CurveFigures;
  readonly lambdas: readonly LambdaFigures[];
  /** On all test rows. */
  readonly whole: readonly WholeFigures[];
}

const folder = join(PACKAGE_ROOT, '.cache/bench/quality');
const jobs = Number(options.jobs);
const limits = {
  validation: Number(options.limit),
  test: options['test-limit'] === undefined ? undefined : Number(options['test-limit']),
};

/** Training rows of a task, drawn by the seed. */
function trainingTexts(kind: 'adapt' | 'router', name: string, seed: number): readonly Example[] {
  const file = join(options.data, 'tasks', name, 'train.jsonl');
  const rows = parseJsonl(Example, readFileSync(file, 'utf8'), file);
  return createRandom(seed, `${kind} ${name}`)
    .shuffle([...rows])
    .slice(0, Number(kind === 'adapt' ? options.texts : options.rows));
}

interface Opened {
  readonly study: Study;
  readonly lab: Lab;
  readonly seeds: readonly SeedRows[];
  readonly commits: () => readonly string[];
}

/** Rows, laboratory and study; without `computes` over what is kept alone. */
async function open(computes: boolean): Promise<Opened> {
  const config = loadConfig(CONFIG);
  const names = config.models.map(({ name }) => name);
  const seeds: SeedRows[] = [];
  const whole = await drawRows(options.data, names, 'test', undefined, 0);
  for (const seed of options.seeds.split(',').map(Number)) {
    const validation = await drawRows(options.data, names, 'validation', limits.validation, seed);
    seeds.push({ seed, validation, test: await drawRows(options.data, names, 'test', limits.test, seed), whole });
  }
  const cache = resultCache(folder, runFacts().commit);
  const lab = await openLab({
    config,
    engine: computes ? () => selectEngine(options.engine, { log: console.error }) : undefined,
    cache,
    folder: join(folder, 'work'),
    texts: trainingTexts,
    textsKey: { adapt: options.texts, router: options.rows },
    progress: computes ? drawProgress(process.stderr, () => performance.now()) : () => undefined,
  });
  return { study: createStudy(lab, seeds, options.only?.split(',')), lab, seeds, commits: cache.commits };
}

/** A child's work: every `jobs`-th question of a stage. */
async function computePart(stage: Stage, part: number): Promise<void> {
  const kept = await open(false);
  const questions = await kept.study.questions[stage]();
  await kept.lab.close();
  const { lab } = await open(true);
  const mine = questions.filter((_, i) => i % jobs === part);
  for (const [i, { subject, rows, seed }] of mine.entries()) {
    console.error(`— ${stage} ${i + 1} of ${mine.length}, seed ${seed}: ${JSON.stringify(subject)}`);
    await lab.answers(subject, rows, seed);
  }
  if (part === 0) for (const { rows, seed } of distinct(questions)) await lab.routes(rows, seed);
  await lab.close();
}

/** One question for each set of rows. */
function distinct(questions: readonly Question[]): Question[] {
  return [...new Map(questions.map((question) => [question.rows.key, question])).values()];
}

/** Runs the children of a stage side by side. */
async function computeStage(stage: Stage): Promise<void> {
  const codes = await Promise.all(
    Array.from({ length: jobs }, (_, part) => {
      const args = [...process.execArgv, import.meta.filename, ...process.argv.slice(2), '--part', `${stage} ${part}`];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
      return new Promise<number | null>((done) => child.once('exit', done));
    }),
  );
  if (codes.some((code) => code !== 0))
    throw new Error(`quality.bench: expected answers to ${stage} rows, got exit codes ${codes.join(', ')}`);
}

async function report(): Promise<QualityReport> {
  const { study, lab, seeds, commits } = await open(false);
  const [{ validation, test }] = seeds;
  const methods: QualityReport['seeds'][number][] = [];
  for (const { seed } of seeds) methods.push({ seed, methods: await study.methods(seed) });
  const curve = await study.curve();
  const lambdas = await study.lambdas();
  const whole = await study.whole();
  await lab.close();
  return {
    facts: runFacts(),
    commits: commits(),
    rows: { validation: countRows(validation), test: countRows(test), router: Number(options.rows), texts: Number(options.texts) },
    limits,
    seeds: methods,
    curve,
    lambdas,
    whole,
  };
}

async function run(): Promise<void> {
  if (!existsSync(join(options.data, 'tasks.json'))) {
    console.log(`quality bench: skipped, there is no data at ${options.data} (tasks.json and tasks/<task>/<split>.jsonl; --data DIR)`);
    return;
  }
  if (options.part !== undefined) {
    const [name, part] = options.part.split(' ');
    const stage = STAGES.find((one) => one === name);
    if (stage === undefined) throw new Error(`quality.bench: expected one of ${STAGES.join(', ')} in --part, got ${name}`);
    await computePart(stage, Number(part));
    return;
  }
  if (options.fresh) rmSync(folder, { recursive: true, force: true });
  if (!options.kept) for (const stage of STAGES) await computeStage(stage);
  const figures = await report();
  const docs = resolve(options.docs);
  mkdirSync(dirname(docs), { recursive: true });
  const plot = 'quality-ranks.svg';
  writeFileSync(join(dirname(docs), plot), qualityPlot(figures.curve));
  writeFileSync(docs, qualityMarkdown(figures, plot));
  publish(options.json, figures, () => `written: ${docs}`);
}

await run();
