// `twinroute search CONFIG --data DIR --out DIR`.

import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import { ENGINES } from '../../build/engine/select.ts';
import type { JournalHead } from '../../contract/search-config.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { messageOf, TwinrouteError } from '../../core/errors.ts';
import { hashText } from '../../formats/hash.ts';
import { createSha256 } from '../../host/files.ts';
import { lockFile } from '../../host/lock-file.ts';
import { exactly, integerOption, requiredOption, textOption } from '../options.ts';
import { openEvaluator, type Evaluator, type EvaluatorSetup } from '../search/evaluator.ts';
import { frontOf, type Front } from '../search/front.ts';
import { writeFront } from '../search/front-files.ts';
import { openJournal, type Journal } from '../search/journal.ts';
import { measureHere, measureInWorkers, type Measurer } from '../search/measurers.ts';
import { metricOf, ROUTES, spellMetric, type Metric } from '../search/metrics.ts';
import { objectivesOf, type Objectives } from '../search/objectives.ts';
import { runSearch } from '../search/run-search.ts';
import { isStatic, readSearch, type SearchFile } from '../search/search-file.ts';
import { table } from '../table.ts';
import type { Io, Values, Verb } from '../verb.ts';

/** The verb `search`. */
export const searchVerb: Verb = {
  name: 'search',
  summary: 'multi-objective search over merge configs: measures on validation rows, writes the Pareto front as configs',
  usage: 'CONFIG --data DIR --out DIR [--limit N] [--jobs 1] [--engine auto]',
  options: {
    data: { type: 'string', help: 'folder with tasks.json and tasks/<task>/validation.jsonl' },
    out: { type: 'string', help: 'folder for trials.jsonl, front/, front.md and front.html; a search that is there goes on' },
    limit: { type: 'string', help: 'rows a task at most, the first ones' },
    jobs: { type: 'string', help: 'processes that measure side by side, each with the model in memory; 1' },
    engine: { type: 'string', help: `auto, ${ENGINES.map((engine) => engine.name).join(', ')}; auto` },
  },
  async run(positionals, values, io, json) {
    const [file] = exactly(positionals, 1, 'one CONFIG');
    const options = optionsOf(values);
    const found = readSearch(await readText(file), file);
    const { front, complete } = await search(found, options, io);
    io.out(json ? JSON.stringify(recordOf(front, complete)) : describe(front, complete, found.search.budget));
  },
};

/** How to search. */
interface SearchOptions {
  readonly data: string;
  readonly out: string;
  readonly limit: number | undefined;
  readonly jobs: number;
  readonly engine: string;
}

function optionsOf(values: Values): SearchOptions {
  return {
    data: requiredOption(values, 'data'),
    out: requiredOption(values, 'out'),
    limit: integerOption(values, 'limit', 1, 1e9),
    jobs: integerOption(values, 'jobs', 1, 64) ?? 1,
    engine: textOption(values, 'engine') ?? 'auto',
  };
}

async function search(file: SearchFile, options: SearchOptions, io: Io): Promise<{ front: Front; complete: boolean }> {
  await mkdir(options.out, { recursive: true });
  const lock = await lockFile(join(options.out, 'search.lock'), options.out, io.log);
  try {
    return await searchAlone(file, options, io);
  } finally {
    await lock.release();
  }
}

/** A search whose folder nobody else searches into. */
async function searchAlone(file: SearchFile, options: SearchOptions, io: Io): Promise<{ front: Front; complete: boolean }> {
  const journal = await openJournal(join(options.out, 'trials.jsonl'));
  try {
    const { objectives, head, measurer } = await prepare(file, journal, options, io);
    try {
      let isStopped = false;
      const interrupted = io.stopped().then(() => (isStopped = true));
      // One turn for an interrupt that came already.
      await Promise.race([interrupted, new Promise((resolve) => setImmediate(resolve))]);
      const { screening, full, complete } = await runSearch(file, objectives, {
        head,
        journal,
        measurer,
        progress: io.progress,
        isStopped: () => isStopped,
      });
      const front = frontOf(nameOf(file), file, objectives, head, full, screening.length);
      await writeFront(
        options.out,
        front,
        file,
        `${options.limit === undefined ? 'all' : `at most ${options.limit}`} validation rows a task`,
      );
      return { front, complete };
    } finally {
      await measurer.close();
    }
  } finally {
    await journal.close();
  }
}

/** What a search runs on: checked, and measured where it is not in the journal yet. */
interface Prepared {
  readonly objectives: Objectives;
  readonly head: JournalHead;
  /** The caller closes it. */
  readonly measurer: Measurer;
}

async function prepare(file: SearchFile, journal: Journal, options: SearchOptions, io: Io): Promise<Prepared> {
  const wanted = [...file.search.objectives, ...file.search.constraints.map(({ metric }) => metric)].map(metricOf);
  expectMeasurable(file, wanted);
  const setup = setupOf(file, options, wanted);
  const evaluator = await openEvaluator(setup, io.log);
  try {
    const objectives = objectivesOf(file.search, [...evaluator.data.keys()], [...evaluator.sets.keys()]);
    const id = searchId(file, evaluator, options.limit);
    if (journal.head !== undefined && journal.head.search !== id) {
      throw new TwinrouteError(
        'config',
        `${options.out}: expected the journal of search ${id}, got one of ${journal.head.search}: the config, the inputs or the data changed, so choose another --out`,
        { param: 'out' },
      );
    }
    const head = journal.head ?? { search: id, individual: await evaluator.individual(file.search.screening?.rows, io.progress) };
    if (journal.head === undefined) await journal.append(head);
    else io.log(`search ${id}: goes on from ${journal.trials.length} measured trials`);
    const router = setup.routes.includes('routed') ? await evaluator.trainRouter(io.progress) : undefined;
    if (options.jobs === 1) return { objectives, head, measurer: measureHere(evaluator) };
    await evaluator.close();
    return { objectives, head, measurer: measureInWorkers(options.jobs, { ...setup, router }) };
  } catch (error) {
    await evaluator.close();
    throw error;
  }
}

/** @throws {TwinrouteError} `config` for what a static merge has not */
function expectMeasurable({ file, raw }: SearchFile, wanted: readonly Metric[]): void {
  const wrong = wanted.find(({ route }) => route !== 'shared');
  if (isStatic(raw) && wrong !== undefined)
    throw new TwinrouteError('config', `${file}: expected metrics of the merged model alone, which end in .shared, got ${wrong.name}`, {
      param: 'search.objectives',
    });
}

function setupOf(
  { file, raw, space, search: { sets } }: SearchFile,
  { data, limit, engine, jobs }: SearchOptions,
  wanted: readonly Metric[],
): EvaluatorSetup {
  return {
    search: { file, raw, space, search: { sets } },
    data,
    limit,
    routes: ROUTES.filter((route) => wanted.some((metric) => metric.route === route)),
    latency: wanted.some(({ name }) => name === 'latency_ms'),
    engine,
    threads: jobs === 1 ? undefined : Math.max(1, Math.floor(availableParallelism() / jobs)),
    router: undefined,
  };
}

/** Hash of everything that the trials depend on, the budget aside: it only says where they end. */
function searchId(
  { raw, search: { budget: _budget, ...rest } }: SearchFile,
  { inputs, data, sets }: Evaluator,
  limit: number | undefined,
): string {
  return hashText(canonicalJson({ raw, search: rest, inputs, limit, data: [...data], sets: [...sets] }), createSha256).slice(0, 16);
}

function nameOf({ raw, file }: SearchFile): string {
  return typeof raw['name'] === 'string' ? raw['name'] : basename(file, extname(file));
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new TwinrouteError('not_found', `CONFIG: expected a readable file at ${file}, got: ${messageOf(cause)}`, { cause });
  }
}

function recordOf({ name, search: id, space, metrics, best, entries, failed, screened, hypervolume }: Front, complete: boolean): object {
  const named = (names: readonly string[], values: readonly number[]): object =>
    Object.fromEntries(names.map((key, i) => [key, values[i]]));
  return {
    name,
    search: id,
    complete,
    trials: entries.length,
    failed,
    screened,
    hypervolume: hypervolume ?? null,
    front: best.map(({ place, trial, scores, values }) => ({
      config: `front/${place}.yaml`,
      trial,
      objectives: named(
        metrics.map((metric) => metric.name),
        scores,
      ),
      values: named(space, values),
    })),
  };
}

function describe({ metrics, space, best, entries, search: id }: Front, complete: boolean, total: number): string {
  const rows = best.map(({ place, trial, scores, values }) => [
    `front/${place}.yaml`,
    String(trial),
    ...metrics.map((metric, k) => spellMetric(metric, scores[k])),
    ...values.map(String),
  ]);
  const state = complete
    ? `${entries.length} configs measured`
    : `stopped after ${entries.length} of ${total} configs; the same command goes on`;
  return [`search ${id}: ${state}`, table(['config', 'trial', ...metrics.map(({ name }) => name), ...space], rows)].join('\n');
}
