// Answers of packs on labelled rows, in two cached steps: what the merged models answer (once for each way to merge), and where a router sends
// the rows (once for each router). A row that a router sends to its own expert alone is answered as by the oracle's mix and not run again.

import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildPack } from '../../../src/build/build-pack.ts';
import type { Engine } from '../../../src/build/engine/engine.ts';
import { planBuild, type BuildPlan } from '../../../src/build/plan.ts';
import type { NamedConfig } from '../../../src/build/read-config.ts';
import { withPack } from '../../../src/cli/open-pack-folder.ts';
import { evaluatePack, type Individual } from '../../../src/cli/quality/evaluate-pack.ts';
import { individualsOf } from '../../../src/cli/quality/individuals-of.ts';
import { packRoute, type Route } from '../../../src/cli/quality/pack-route.ts';
import type { Split, TaskData } from '../../../src/cli/quality/read-data.ts';
import type { EvaluatedTask } from '../../../src/core/evaluate.ts';
import type { Progress } from '../../../src/core/progress.ts';
import { hashText } from '../../../src/formats/hash.ts';
import type { Pack } from '../../../src/formats/pack.ts';
import { createSha256 } from '../../../src/host/files.ts';
import { loadPredictor } from '../../../src/origin/load-pack.ts';
import type { Predictor } from '../../../src/origin/predictor.ts';
import type { ResultCache } from './result-cache.ts';
import { saveConfig } from './twin-config.ts';

/** What an evaluation needs. */
export interface QualityDeps {
  readonly engine: Engine;
  readonly cache: ResultCache;
  /** Where packs and configs lie while they are needed. */
  readonly work: string;
  readonly progress: Progress;
}

/** Rows of a split. */
export interface QualityData {
  readonly split: Split;
  /** How many rows a task at most and which; undefined for all. */
  readonly drawn: { readonly limit: number; readonly seed: number } | undefined;
  readonly tasks: ReadonlyMap<string, TaskData>;
}

/** Evaluated rows by task, with what was evaluated. */
export interface Answers {
  readonly tasks: Readonly<Record<string, EvaluatedTask>>;
  /** Hash over the shared model's and the experts' files. */
  readonly models: string;
  readonly packBytes: number;
}

/** Threads of onnxruntime. */
const THREADS = 2;

/**
 * Answers of the experts themselves, the shared model alone, and the oracle's mix. `routed` repeats the oracle's.
 * Cost: a build and two passes a row; one more pass a row for the experts themselves, once a split
 */
export async function mergedAnswers(config: NamedConfig, data: QualityData, deps: QualityDeps): Promise<Answers> {
  return withPlan(config, deps, (plan) =>
    deps.cache.get(`merged-${plan.id}-${rowsKey(data)}`, () =>
      withBuilt(plan, deps, async (pack, predictor) => {
        const individual = await individualAnswers(config, pack, data, deps);
        const tasks: Record<string, EvaluatedTask> = {};
        for (const [name, task] of data.tasks) {
          Object.assign(
            tasks,
            await evaluatePack(predictor, ownRoute(predictor, name), new Map([[name, task]]), individual, deps.progress),
          );
        }
        return { tasks, ...factsOf(pack) };
      }),
    ),
  );
}

/**
 * `answers` with the router of `config` in the oracle's place.
 * @param answers of the same merge, whatever its router
 * Cost: a build, and three passes for each row that goes elsewhere
 */
export async function routedAnswers(config: NamedConfig, answers: Answers, data: QualityData, deps: QualityDeps): Promise<Answers> {
  return withPlan(config, deps, (plan) =>
    deps.cache.get(`routed-${plan.id}-${rowsKey(data)}`, () =>
      withBuilt(plan, deps, async (pack, predictor) => {
        const facts = factsOf(pack);
        if (facts.models !== answers.models)
          throw new Error('quality.bench: expected the same merged models under another router, got others; run with --fresh');
        const { route, close } = await packRoute(pack, predictor);
        const tasks: Record<string, EvaluatedTask> = {};
        try {
          for (const [name, { task, rows }] of data.tasks) {
            const elsewhere = await rowsElsewhere(predictor, route, name, rows);
            const known = answers.tasks[name];
            const routed = [...known.rows];
            if (elsewhere.length > 0) {
              const subset = new Map([[name, { task, rows: elsewhere.map((i) => rows[i]) }]]);
              const evaluated = await evaluatePack(predictor, route, subset, { scores: new Map(), predictions: new Map() }, deps.progress);
              for (const [k, i] of elsewhere.entries()) routed[i] = { ...known.rows[i], routed: evaluated[name].rows[k].routed };
            }
            tasks[name] = { ...known, rows: routed };
          }
        } finally {
          await close();
        }
        return { tasks, ...facts };
      }),
    ),
  );
}

/** Places of the rows that the route does not send to expert `name` alone. */
async function rowsElsewhere(predictor: Predictor, route: Route, name: string, rows: TaskData['rows']): Promise<number[]> {
  const own = predictor.experts.map((expert) => (expert.name === name ? 1 : 0));
  const places: number[] = [];
  for (const [i, { text, text_pair: textPair }] of rows.entries()) {
    const { mix, head } = await route({ text, textPair, ...predictor.encode(text, textPair) });
    if (head !== name || !mix.every((weight, e) => weight === own[e])) places.push(i);
  }
  return places;
}

/** The oracle's route of a task. */
function ownRoute(predictor: Predictor, name: string): Route {
  const mix = Float32Array.from(predictor.experts, (expert) => (expert.name === name ? 1 : 0));
  return () => Promise.resolve({ mix, head: name });
}

async function individualAnswers(
  config: NamedConfig,
  pack: Pack,
  data: QualityData,
  { cache, progress }: QualityDeps,
): Promise<Individual> {
  const { base, experts, max_tokens: maxTokens } = pack.manifest;
  const models = hashText(
    [base.sha256, maxTokens, ...experts.map(({ name, provenance }) => `${name} ${provenance.sha256}`)].join('\n'),
    createSha256,
  );
  const predictions = await cache.get(`individual-${models.slice(0, 16)}-${rowsKey(data)}`, async () => {
    const options = { experts: dirname(config.base_model), split: data.split, limited: data.drawn !== undefined };
    return Object.fromEntries((await individualsOf(pack, data.tasks, options, progress)).predictions);
  });
  return { scores: new Map(), predictions: new Map(Object.entries(predictions)) };
}

function rowsKey({ split, drawn }: QualityData): string {
  return drawn === undefined ? split : `${split}-${drawn.limit}-seed-${drawn.seed}`;
}

function factsOf({ manifest: { files, shared, experts } }: Pack): Pick<Answers, 'models' | 'packBytes'> {
  const hashes = [shared, ...experts].map(({ file }) => files[file]?.sha256);
  return {
    models: hashText(hashes.join('\n'), createSha256),
    packBytes: Object.values(files).reduce((sum, file) => sum + file.bytes, 0),
  };
}

async function withPlan<T>(config: NamedConfig, { work }: QualityDeps, use: (plan: BuildPlan) => Promise<T>): Promise<T> {
  mkdirSync(work, { recursive: true });
  const file = join(work, 'config.yaml');
  saveConfig(file, config);
  const plan = await planBuild(file);
  try {
    return await use(plan);
  } finally {
    await plan.close();
  }
}

/** Builds the pack, hands it over and removes it. */
async function withBuilt<T>(
  plan: BuildPlan,
  { engine, work, progress }: QualityDeps,
  use: (pack: Pack, predictor: Predictor) => Promise<T>,
): Promise<T> {
  const out = join(work, 'pack');
  rmSync(out, { recursive: true, force: true });
  await buildPack(plan, out, { engine, progress, producer: 'quality.bench' });
  try {
    return await withPack(out, async (pack) => {
      const predictor = await loadPredictor(pack, undefined, { threads: THREADS });
      try {
        return await use(pack, predictor);
      } finally {
        await predictor.release();
      }
    });
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
