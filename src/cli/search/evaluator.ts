// Measures configs of a search: merged in memory over inputs that stay open, run on validation rows, never written. Test rows are not
// read: what is chosen by its score has no honest score on the same rows.

import { FOREIGN_CLASS } from '../../core/metrics/metric.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { mixVector } from '../../core/mix.ts';
import { argmax } from '../../core/routing/score.ts';
import type { Progress } from '../../core/progress.ts';
import type { Measurement, RouteScores, SearchConfig } from '../../contract/search-config.ts';
import { createTokenizer, type Tokenizer } from '../../formats/tokenizer.ts';
import { createNodeSession } from '../../host/ort-session.ts';
import { createRouter } from '../../model/router.ts';
import type { Session } from '../../model/session.ts';
import { loadPredictor } from '../../origin/load-pack.ts';
import type { Predictor } from '../../origin/predictor.ts';
import type { Engine } from '../../build/engine/engine.ts';
import { selectEngine } from '../../build/engine/select.ts';
import { buildInMemory, keepInputs, retune, routerInMemory, type MemoryRouter } from '../../build/memory-pack.ts';
import { planConfig, type BuildPlan } from '../../build/plan.ts';
import { predictAll, type Job } from '../quality/evaluate-pack.ts';
import { predictIndividual } from '../quality/individual.ts';
import { readData, type TaskData } from '../quality/read-data.ts';
import { scoreOf } from '../quality/score-of.ts';
import { configOf, isStatic, type SearchFile } from './search-file.ts';
import type { Route } from './metrics.ts';

/** Rows whose latency is taken, each alone. */
const TIMED_ROWS = 32;

/** What an evaluator is opened with; it can be sent to another process. */
export interface EvaluatorSetup {
  readonly search: Pick<SearchFile, 'file' | 'raw' | 'space'> & { readonly search: Pick<SearchConfig, 'sets'> };
  /** Folder of the data. */
  readonly data: string;
  /** Rows a task at most, the first ones. */
  readonly limit: number | undefined;
  /** Ways of answering that are measured. */
  readonly routes: readonly Route[];
  readonly latency: boolean;
  readonly engine: string;
  /** Threads of a session; onnxruntime's own choice when undefined. */
  readonly threads: number | undefined;
  /** The edge's router where another evaluator has trained it. */
  readonly router: MemoryRouter | undefined;
}

/** An open evaluator. */
export interface Evaluator {
  /** Content hash of the inputs under the config's own values. */
  readonly inputs: string;
  /** The rows of tasks and sets that are measured. */
  readonly data: ReadonlyMap<string, TaskData>;
  readonly sets: ReadonlyMap<string, TaskData>;
  /**
   * Measures a config.
   * @param rows a task at most, the first ones
   */
  measure(values: readonly number[], rows: number | undefined): Promise<Measurement>;
  /** The experts' own scores by task, on all rows and on the first `rows`. */
  individual(rows: number | undefined, progress: Progress): Promise<{ full: Record<string, number>; screening: Record<string, number> }>;
  /** Trains the edge's router, which routed scores need unless the evaluator was opened with one. */
  trainRouter(progress: Progress): Promise<MemoryRouter>;
  close(): Promise<void>;
}

/**
 * Opens inputs, data and an engine.
 * @throws {TwinrouteError} whatever stands in the way of every config
 */
export async function openEvaluator(setup: EvaluatorSetup, log: (line: string) => void): Promise<Evaluator> {
  const { search, data: folder, limit } = setup;
  const plan = await planConfig(
    configOf(
      search,
      search.space.map(({ min }) => min),
    ),
  );
  try {
    const names = plan.experts.map(({ name }) => name);
    const data = await readData(folder, names, 'validation', limit);
    const sets = new Map<string, TaskData>();
    for (const [name, { data: from, task, expert }] of Object.entries(search.search.sets)) {
      if (!names.includes(expert))
        throw new TwinrouteError('config', `search.sets.${name}.expert: expected one of ${names.join(', ')}, got ${expert}`, {
          param: `search.sets.${name}.expert`,
        });
      const rows = (await readData(from, [task], 'validation', limit)).get(task);
      if (rows !== undefined) sets.set(name, rows);
    }
    const engine = await selectEngine(setup.engine, { log });
    const router = setup.router === undefined ? undefined : await openRouter(setup.router);
    const tokenizer = createTokenizer(plan.tokenizer.json, plan.tokenizer.config, plan.maxTokens);
    return createEvaluator(setup, { plan: keepInputs(plan), data, sets, engine, tokenizer }, router);
  } catch (error) {
    await plan.close();
    throw error;
  }
}

interface Opened {
  readonly plan: BuildPlan;
  readonly data: ReadonlyMap<string, TaskData>;
  readonly sets: ReadonlyMap<string, TaskData>;
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
}

/** A trained router that can be run. */
interface OpenRouter extends MemoryRouter {
  readonly session: Session;
}

async function openRouter(trained: MemoryRouter): Promise<OpenRouter> {
  return { ...trained, session: await createNodeSession(trained.model, { threads: 1 }) };
}

function createEvaluator(setup: EvaluatorSetup, { plan, data, sets, engine, tokenizer }: Opened, given: OpenRouter | undefined): Evaluator {
  let router = given;
  return {
    inputs: plan.id,
    data,
    sets,
    async measure(values, rows) {
      // Of a static merge nobody asks for an expert.
      const trial = { ...retune(plan, configOf(setup.search, values)), sharedOnly: isStatic(setup.search.raw) };
      const { pack, sharedBytes, extraBytes } = await buildInMemory(trial, engine);
      const predictor = await loadPredictor(pack, undefined, setup.threads === undefined ? {} : { threads: setup.threads });
      try {
        const route = router === undefined ? undefined : decisionsOf(trial, router);
        const scores = async (task: TaskData, expert: string): Promise<RouteScores> =>
          scoreTask(predictor, { ...task, rows: task.rows.slice(0, rows) }, expert, setup.routes, route);
        const tasks: Record<string, RouteScores> = {};
        for (const [name, task] of data) tasks[name] = await scores(task, name);
        const onSets: Record<string, RouteScores> = {};
        for (const [name, task] of sets) onSets[name] = await scores(task, setup.search.search.sets[name].expert);
        return {
          tasks,
          sets: onSets,
          pack_bytes: sharedBytes + extraBytes + Buffer.byteLength(plan.tokenizer.json) + Buffer.byteLength(plan.tokenizer.config),
          extra_bytes: extraBytes,
          ...(setup.latency && { latency_ms: await latencyOf(predictor, data) }),
        };
      } finally {
        await predictor.release();
      }
    },
    async individual(rows, progress) {
      const full: Record<string, number> = {};
      const screening: Record<string, number> = {};
      for (const { name, source } of plan.experts) {
        const task = data.get(name);
        if (task === undefined) continue;
        progress({ stage: 'individual', done: Object.keys(full).length, total: data.size, note: name });
        const predictions = await predictIndividual({ base: plan.base, model: plan.model, source, tokenizer }, task);
        full[name] = scoreOf(task, predictions);
        if (rows !== undefined) screening[name] = scoreOf({ ...task, rows: task.rows.slice(0, rows) }, predictions.slice(0, rows));
      }
      progress({ stage: 'individual', done: data.size, total: data.size });
      return { full, screening };
    },
    async trainRouter(progress) {
      await router?.session.release();
      router = await openRouter(await routerInMemory(plan, { engine, progress }));
      return { router: router.router, model: router.model };
    },
    async close() {
      await router?.session.release();
      await engine.dispose();
      await plan.close();
    },
  };
}

/** Decides mix and head of a text. */
type Decide = (text: string, pair: string | undefined) => Promise<{ readonly mix: Float32Array; readonly head: string }>;

/** The trained router under the config's own policy. */
function decisionsOf({ experts, config }: BuildPlan, { router, session }: OpenRouter): Decide {
  const names = experts.map(({ name }) => name);
  const given = Object.entries(config.parameters.policy ?? {}).filter(([, value]) => value !== undefined);
  const { route } = createRouter(session, { ...router, policy: { ...router.policy, ...Object.fromEntries(given) } });
  return async (text, pair) => {
    const { scores, mix } = await route(text, pair);
    return { mix: mixVector(mix, names), head: mix[0]?.expert ?? scores[argmax(scores.map((one) => one.score))].expert };
  };
}

async function scoreTask(
  predictor: Predictor,
  task: TaskData,
  expert: string,
  routes: readonly Route[],
  decide: Decide | undefined,
): Promise<RouteScores> {
  const names = predictor.experts.map(({ name }) => name);
  const own = names.indexOf(expert);
  const encoded = task.rows.map(({ text, text_pair: pair }) => predictor.encode(text, pair));
  const oneHot = mixVector([{ expert, weight: 1 }], names);
  const none = new Float32Array(names.length);
  const scores: RouteScores = {};
  for (const route of routes) {
    if (route !== 'routed') {
      const jobs = encoded.map(({ ids, types }): Job => ({ ids, types, mix: route === 'oracle' ? oneHot : none, head: own }));
      scores[route] = scoreOf(task, await predictAll(predictor, jobs));
      continue;
    }
    if (decide === undefined) throw new TwinrouteError('internal', 'scoreTask: expected a router for routed scores, got none');
    const jobs: Job[] = [];
    for (const [i, { text, text_pair: pair }] of task.rows.entries()) {
      const { mix, head } = await decide(text, pair);
      jobs.push({ ids: encoded[i].ids, types: encoded[i].types, mix, head: names.indexOf(head) });
    }
    const predictions = await predictAll(predictor, jobs);
    scores.routed = scoreOf(
      task,
      predictions.map((prediction, i) => (jobs[i].head === own ? prediction : foreign(task))),
    );
  }
  return scores;
}

/** What a row that another expert answered counts as, as in the quality table. */
function foreign({ task }: TaskData): number {
  if (task.labels !== null) return FOREIGN_CLASS;
  if (task.range !== undefined) return (task.range[0] + task.range[1]) / 2;
  throw new TwinrouteError('config', 'tasks.json: expected a range for a regression with routed scores, got none', { param: 'range' });
}

/** Median milliseconds of a row alone under its own expert, over the first rows of all tasks in turn. */
async function latencyOf(predictor: Predictor, data: ReadonlyMap<string, TaskData>): Promise<number> {
  const names = predictor.experts.map(({ name }) => name);
  const times: number[] = [];
  for (let i = 0; times.length < TIMED_ROWS; i++) {
    const before = times.length;
    for (const [expert, { rows }] of data) {
      if (i >= rows.length || times.length === TIMED_ROWS) continue;
      const { ids, types } = predictor.encode(rows[i].text, rows[i].text_pair);
      const start = performance.now();
      await predictor.run([{ ids, types, mix: mixVector([{ expert, weight: 1 }], names) }]);
      times.push(performance.now() - start);
    }
    if (times.length === before) break;
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
}
