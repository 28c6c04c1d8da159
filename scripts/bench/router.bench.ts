// The light router's accuracy, size and speed, and fastText's on the same rows.
//
//   node scripts/bench/router.bench.ts [--engine auto] [--regimes own,120,3000] [--split test] [--seed 0] [--fasttext PYTHON] [--json FILE]
//
// A regime is a number of rows a task from ../shared/data, drawn by the seed, or `own` for experts/*/examples.jsonl. Accuracy is over the
// whole split, every row of the eight tasks alike. Hyper-parameters were chosen with `--split validation`.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Engine } from '../../src/build/engine/engine.ts';
import { selectEngine } from '../../src/build/engine/select.ts';
import { type RouterRow, trainRouter } from '../../src/build/router/train.ts';
import { noProgress } from '../../src/core/progress.ts';
import { createRandom } from '../../src/core/random.ts';
import { accuracy, calibrationError } from '../../src/core/routing/calibrate.ts';
import { argmax } from '../../src/core/routing/score.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { createScore } from '../../src/model/router.ts';
import { runFacts, type RunFacts } from './lib/run-facts.ts';

const ROOT = join(import.meta.dirname, '../..');
const DATA = join(ROOT, '../shared/data/tasks');
const TASKS = ['cola', 'sst2', 'mrpc', 'stsb', 'qnli', 'emotion', 'banking77', 'trec'];

const { values: options } = parseArgs({
  options: {
    engine: { type: 'string', default: 'auto' },
    regimes: { type: 'string', default: 'own,120,3000' },
    split: { type: 'string', default: 'test' },
    seed: { type: 'string', default: '0' },
    fasttext: { type: 'string' },
    json: { type: 'string' },
  },
});

interface Result {
  readonly regime: string;
  readonly rows: number;
  readonly who: string;
  readonly accuracy: number;
  readonly meanPerTask: number;
  readonly calibrationError?: number;
  readonly megabytes: number;
  readonly trainSeconds: number;
  readonly microsecondsPerText: number;
}

/** What `--json` writes. */
export interface RouterReport {
  readonly facts: RunFacts;
  readonly device: string;
  readonly split: string;
  readonly seed: number;
  readonly results: readonly Result[];
}

function readRows(path: string, expert: number): RouterRow[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { text, text_pair } = JSON.parse(line);
      return { text, text_pair, expert };
    });
}

function trainingRows(regime: string, seed: number): RouterRow[] {
  return TASKS.flatMap((task, t) => {
    if (regime === 'own') return readRows(join(ROOT, 'experts', task, 'examples.jsonl'), t);
    return createRandom(seed, task)
      .shuffle(readRows(join(DATA, task, 'train.jsonl'), t))
      .slice(0, Number(regime));
  });
}

/** Mean over the tasks of the share that is right within each. */
function meanPerTask(rows: readonly RouterRow[], guesses: readonly number[]): number {
  const shares = TASKS.map((_, t) => {
    const own = rows.flatMap((row, i) => (row.expert === t ? [guesses[i]] : []));
    return own.filter((guess) => guess === t).length / own.length;
  });
  return shares.reduce((sum, share) => sum + share, 0) / TASKS.length;
}

async function measureOurs(
  engine: Engine,
  regime: string,
  train: readonly RouterRow[],
  test: readonly RouterRow[],
  seed: number,
): Promise<Result> {
  const started = performance.now();
  const router = await trainRouter(engine, train, { classes: TASKS.length, seed, progress: noProgress });
  const trainSeconds = (performance.now() - started) / 1000;
  const session = await createNodeSession(router.model, { threads: 1 });
  const score = createScore(session, router.features, TASKS.length);
  for (const row of test.slice(0, 200)) await score(row.text, row.text_pair);
  const scoring = performance.now();
  const logits: Float32Array[] = [];
  for (const row of test) logits.push(await score(row.text, row.text_pair));
  const microsecondsPerText = ((performance.now() - scoring) * 1000) / test.length;
  await session.release();
  const scored = { logits, classes: test.map((row) => row.expert) };
  return {
    regime,
    rows: train.length,
    who: `twinroute, ${engine.name}`,
    accuracy: accuracy(scored),
    meanPerTask: meanPerTask(test, logits.map(argmax)),
    calibrationError: calibrationError(scored, router.temperature),
    megabytes: router.model.length / 1e6,
    trainSeconds,
    microsecondsPerText,
  };
}

/** fastText with the best of four settings on the validation rows; its time is of that one setting. */
const PEER = `
import sys, json, os, time, fasttext
folder = sys.argv[1]
best = None
for rate in (0.5, 1.0):
    for epochs in (25, 50):
        start = time.time()
        model = fasttext.train_supervised(folder + '/train.txt', wordNgrams=2, minn=2, maxn=4, bucket=200000, dim=64, lr=rate, epoch=epochs, thread=1, seed=1, verbose=0)
        seconds = time.time() - start
        accuracy = model.test(folder + '/validation.txt')[1]
        if best is None or accuracy > best[0]:
            best = (accuracy, seconds, model)
_, seconds, model = best
lines = [line.rstrip('\\n').split(' ', 1)[1] for line in open(folder + '/test.txt', encoding='utf-8')]
start = time.time()
guesses = [int(model.f.predict(line + '\\n', 1, 0.0, 'strict')[0][1][9:]) for line in lines]
each = (time.time() - start) / len(lines)
model.save_model(folder + '/model.bin')
print(json.dumps({'guesses': guesses, 'seconds': seconds, 'each': each, 'bytes': os.path.getsize(folder + '/model.bin')}))
`;

function measurePeer(
  python: string,
  regime: string,
  train: readonly RouterRow[],
  validation: readonly RouterRow[],
  test: readonly RouterRow[],
): Result {
  const folder = mkdtempSync(join(tmpdir(), 'fasttext-'));
  try {
    const write = (name: string, rows: readonly RouterRow[]): void => {
      const lines = rows.map(
        ({ text, text_pair, expert }) =>
          `__label__${expert} ${[text, ...(text_pair === undefined ? [] : ['</pair>', text_pair])].join(' ').replace(/\s+/g, ' ')}`,
      );
      writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
    };
    // In a random order: it learns row by row as the file has them.
    write('train.txt', createRandom(1).shuffle([...train]));
    write('validation.txt', validation);
    write('test.txt', test);
    const run = spawnSync(python, ['-c', PEER, folder], { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'inherit'] });
    if (run.status !== 0) throw new Error(`${python}: expected fastText's figures, got exit status ${run.status}`);
    const { guesses, seconds, each, bytes } = JSON.parse(run.stdout);
    const right = test.filter((row, i) => guesses[i] === row.expert).length;
    return {
      regime,
      rows: train.length,
      who: 'fastText',
      accuracy: right / test.length,
      meanPerTask: meanPerTask(test, guesses),
      megabytes: bytes / 1e6,
      trainSeconds: seconds,
      microsecondsPerText: each * 1e6,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function print(results: readonly Result[]): void {
  console.table(
    results.map((result) => ({
      regime: result.regime,
      rows: result.rows,
      who: result.who,
      accuracy: result.accuracy.toFixed(4),
      'mean per task': result.meanPerTask.toFixed(4),
      ECE: result.calibrationError?.toFixed(4) ?? '',
      MB: result.megabytes.toFixed(2),
      'train s': result.trainSeconds.toFixed(1),
      'µs a text': result.microsecondsPerText.toFixed(0),
    })),
  );
}

if (!existsSync(DATA)) throw new Error(`router.bench: expected the data sets in ${DATA}`);
const facts = runFacts();
const seed = Number(options.seed);
const load = (split: string): RouterRow[] => TASKS.flatMap((task, t) => readRows(join(DATA, task, `${split}.jsonl`), t));
const test = load(options.split);
const engine = await selectEngine(options.engine, { log: console.error });
const results: Result[] = [];
for (const regime of options.regimes.split(',')) {
  const train = trainingRows(regime, seed);
  results.push(await measureOurs(engine, regime, train, test, seed));
  if (options.fasttext !== undefined) results.push(measurePeer(options.fasttext, regime, train, load('validation'), test));
}
const { device } = engine;
await engine.dispose();
print(results);
if (options.json !== undefined) {
  const report: RouterReport = { facts, device, split: options.split, seed, results };
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
}
