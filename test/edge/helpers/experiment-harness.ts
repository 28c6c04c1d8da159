// An edge with experiments: published in the real KV, measured by the real Durable Object; origin, router and clock as in harness.ts.

import { env } from 'cloudflare:workers';
import * as z from 'zod/mini';
import { Experiment } from '../../../src/contract/experiments.ts';
import { ExperimentReport, ExperimentsAnswer } from '../../../src/contract/experiment-report.ts';
import { Prediction } from '../../../src/contract/http.ts';
import type { ExperimentStore } from '../../../src/edge/experiments/state.ts';
import { CONFIG, createHarness, OTHER_CONFIG, type HarnessOptions } from './harness.ts';

let count = 0;

/** An experiment between the harness's two configs, of a key of its own. */
export function experiment(change: Readonly<Record<string, unknown>> = {}) {
  return {
    key: `test-${count++}`,
    arms: [
      { name: 'old', config: CONFIG, weight: 0.5 },
      { name: 'new', config: OTHER_CONFIG, weight: 0.5 },
    ],
    ...change,
  };
}

const WARM = z.parse(Experiment, experiment());

/** What a test may change. */
export interface ExperimentHarnessOptions extends Omit<HarnessOptions, 'now' | 'experiments' | 'keepAlive'> {
  readonly storeOf?: (design: string) => ExperimentStore;
}

/** An edge on which these experiments are published. */
export async function createExperimentHarness(experiments: readonly object[], options: ExperimentHarnessOptions = {}) {
  const name = `experiments-${count++}`;
  const publish = (value: unknown): Promise<void> =>
    env.CONFIG.put(name, typeof value === 'string' ? value : JSON.stringify({ experiments: value }));
  await publish(experiments);
  // The first Durable Object of a test file takes seconds to load; the edge would not wait for it.
  await env.EXPERIMENT_STATES.getByName('warm').feedback(WARM, { tenant: '', id: '', name: '', value: 0 });
  let nowMs = Date.now();
  let work: Promise<unknown>[] = [];
  const harness = createHarness({
    ...options,
    now: () => nowMs,
    keepAlive: (promise) => void work.push(promise),
    experiments: {
      readPublished: async () => (await env.CONFIG.get(name)) ?? undefined,
      storeOf: options.storeOf ?? ((design) => env.EXPERIMENT_STATES.getByName(design)),
    },
  });
  /** Asks as a user; the answer must be one. */
  const ask = async (user: string | undefined, body: object = {}, headers: Record<string, string> = {}): Promise<Prediction> => {
    const { body: answer } = await harness.post('/v1/predict', { text: 'A film.', ...(user !== undefined && { user }), ...body }, headers);
    return z.parse(Prediction, answer);
  };
  const get = async (path: string): Promise<unknown> => (await harness.app.request(path)).json();
  return {
    ...harness,
    publish,
    ask,
    /** Lets time pass on the edge's clock. */
    pass: (ms: number) => void (nowMs += ms),
    /** Waits for what the edge does in the background, but for timers that send later what a report sends now. */
    async settle() {
      const pending = work;
      work = [];
      await Promise.race([Promise.all(pending), new Promise((resolve) => setTimeout(resolve, 100))]);
    },
    report: async (key: string): Promise<ExperimentReport> => z.parse(ExperimentReport, await get(`/v1/experiments/${key}`)),
    list: async (): Promise<ExperimentsAnswer['experiments']> => z.parse(ExperimentsAnswer, await get('/v1/experiments')).experiments,
  };
}
