// What models answer to labelled rows, each answer computed once and kept between runs.

import { mkdirSync } from 'node:fs';
import type { Engine } from '../../../src/build/engine/engine.ts';
import { keepInputs, routerInMemory } from '../../../src/build/memory-pack.ts';
import { planConfig, type PlannedExpert } from '../../../src/build/plan.ts';
import type { NamedConfig } from '../../../src/build/read-config.ts';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import type { Progress } from '../../../src/core/progress.ts';
import type { Example } from '../../../src/contract/tasks.ts';
import { hashText } from '../../../src/formats/hash.ts';
import { createSha256 } from '../../../src/host/files.ts';
import { createNodeSession } from '../../../src/host/ort-session.ts';
import { createRouter } from '../../../src/model/router.ts';
import { openBench, withCandidate, type Bench, type Subject } from './quality-models.ts';
import type { QualityRows } from './quality-rows.ts';
import type { ResultCache } from './result-cache.ts';

/** Raised when the code that merges or evaluates changes what it answers: kept answers of before are then no longer read. */
const REVISION = 1;

/** What a subject answers, and what it takes. */
export interface Answers {
  /** Class indices or values by task, in the order of its rows. */
  readonly predictions: Readonly<Record<string, readonly number[]>>;
  /** Weights and heads as they are stored, without routers and tokenizer. */
  readonly bytes: number;
  /** What of them comes on top of one model in fp16. */
  readonly extraBytes: number;
  /** Of those, the low-rank factors. */
  readonly factorBytes: number;
  /** Seconds of the merge, learning included. */
  readonly mergeSeconds: number;
}

/** An open laboratory. */
export interface Lab {
  /**
   * @param seed of the method, where it draws
   * @returns undefined when the answers are not kept and nothing is to be computed
   */
  answers(subject: Subject, rows: QualityRows, seed: number): Promise<Answers | undefined>;
  /** The expert that a router of `seed` chooses for each row, by task. */
  routes(rows: QualityRows, seed: number): Promise<Readonly<Record<string, readonly string[]>> | undefined>;
  close(): Promise<void>;
}

/** What a laboratory is opened with. */
export interface LabOptions {
  readonly config: NamedConfig;
  /** Opened when something has to be computed; undefined: only what is kept is handed out. */
  readonly engine: (() => Promise<Engine>) | undefined;
  readonly cache: ResultCache;
  /** For packs and the states of learning. */
  readonly folder: string;
  /** Texts that methods learn from, and texts with their expert that the router learns from. */
  readonly texts: (kind: 'adapt' | 'router', name: string, seed: number) => readonly Example[];
  /** Says of both which they are. */
  readonly textsKey: Readonly<Record<'adapt' | 'router', string>>;
  readonly progress: Progress;
}

/** Opens the inputs of a config. */
export async function openLab(options: LabOptions): Promise<Lab> {
  const { config, cache, textsKey } = options;
  mkdirSync(options.folder, { recursive: true });
  const plan = keepInputs(await planConfig(config));
  const inputs = [plan.baseProvenance, ...plan.experts.map(({ provenance }) => provenance)].map(({ sha256 }) => sha256);
  const keyOf = (what: unknown): string => hashText(canonicalJson({ revision: REVISION, inputs, what }), createSha256).slice(0, 16);
  let bench: Promise<Bench> | undefined;
  const compute = async <T>(key: string, make: (opened: Bench) => Promise<T>): Promise<T | undefined> => {
    const { engine } = options;
    if (engine === undefined) return cache.peek<T>(key);
    return cache.get(key, async () => {
      bench ??= engine().then((opened) => openBench(plan, opened, options));
      return make(await bench);
    });
  };
  return {
    answers: (subject, rows, seed) => {
      const key = keyOf({ subject, seed, texts: textsKey.adapt });
      return compute(`answers-${key}-${rows.key}`, async (opened) => answer(opened, subject, rows, seed, key));
    },
    routes: (rows, seed) =>
      compute(`routes-${keyOf({ seed, texts: textsKey.router })}-${rows.key}`, (opened) => routesOf(opened, rows, seed)),
    async close() {
      await (await bench)?.session.release();
      await plan.close();
    },
  };
}

async function answer(bench: Bench, subject: Subject, rows: QualityRows, seed: number, key: string): Promise<Answers> {
  const start = performance.now();
  return withCandidate(bench, subject, seed, key, async ({ predict, bytes, extraBytes, factorBytes }) => {
    const mergeSeconds = (performance.now() - start) / 1000;
    const predictions: Record<string, readonly number[]> = {};
    for (const task of rows.tasks.keys()) predictions[task] = await predict(task, rows);
    return { predictions, bytes, extraBytes, factorBytes, mergeSeconds };
  });
}

async function routesOf({ plan, engine, progress, texts }: Bench, rows: QualityRows, seed: number): Promise<Record<string, string[]>> {
  const experts = plan.experts.map((expert): PlannedExpert => ({ ...expert, examples: texts('router', expert.name, seed) }));
  const config = { ...plan.config, parameters: { ...plan.config.parameters, seed } };
  const { router, model } = await routerInMemory({ ...plan, config, experts }, { engine, progress });
  const session = await createNodeSession(model, { threads: 1 });
  const { route } = createRouter(session, router);
  const routes: Record<string, string[]> = {};
  for (const [task, { rows: own }] of rows.tasks) {
    routes[task] = [];
    for (const { text, text_pair: pair } of own) {
      const { mix } = await route(text, pair);
      // The default policy: the best expert alone. So a row that went to its own expert is answered as by the oracle's mix.
      if (mix.length !== 1 || mix[0].weight !== 1) throw new Error('quality.bench: expected a mix of one expert under the default policy');
      routes[task].push(mix[0].expert);
    }
  }
  await session.release();
  return routes;
}
