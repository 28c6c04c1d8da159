// A search problem of real experts that is cheap to measure: the weights of Task Arithmetic against the merged model's scores on a
// few validation rows of some tasks. Task vectors stay in memory and one open graph runs whatever merge is fed to it.

import { planConfig } from '../../../src/build/plan.ts';
import type { NamedConfig } from '../../../src/build/read-config.ts';
import { readTheta } from '../../../src/build/theta.ts';
import { readData, type TaskData } from '../../../src/cli/quality/read-data.ts';
import { matmulPlain } from '../../../src/core/linalg/matmul.ts';
import { METRICS } from '../../../src/core/metrics/registry.ts';
import { argmax } from '../../../src/core/routing/score.ts';
import { floatTensor, type FloatTensor } from '../../../src/core/tensor.ts';
import { createTokenizer } from '../../../src/formats/tokenizer.ts';
import { createNodeSession } from '../../../src/host/ort-session.ts';
import { encoderFeeds, type TokenRow } from '../../../src/model/encoder-feeds.ts';
import { inBatches } from '../../../src/model/in-batches.ts';
import { emitOpenGraph, openWeights } from '../../../src/model/open-graph.ts';
import type { Session } from '../../../src/model/session.ts';

/** What is merged and measured. */
export interface WeightsProblem {
  /** Names, in the order of weights. */
  readonly experts: readonly string[];
  /** 1 − score of each task under the merge θ0 + Σ w_t·τ_t. */
  costs(weights: readonly number[]): Promise<number[]>;
  close(): Promise<void>;
}

/** A task with the place of its head's logits. */
interface MeasuredTask extends TaskData {
  readonly encoded: readonly TokenRow[];
  readonly first: number;
}

/**
 * Opens the problem.
 * @param tasks names of experts whose tasks are objectives
 * @param rows validation rows a task, the first ones
 * Cost: every expert's task vector in f32; a measurement is one pass a row
 */
export async function openWeightsProblem(
  config: NamedConfig,
  tasks: readonly string[],
  { data, rows, threads }: { readonly data: string; readonly rows: number; readonly threads: number },
): Promise<WeightsProblem> {
  const plan = await planConfig(config);
  const { architecture, config: sizes, parameters } = plan.model;
  const base = new Map<string, FloatTensor>();
  const vectors = new Map<string, readonly Float32Array[]>();
  for (const { name } of parameters) {
    const origin = await plan.base.readFloat(name);
    base.set(name, origin);
    const sources = plan.experts.map(({ source }) => source.parameter(name));
    if (sources.every(({ kind }) => kind === 'same')) continue;
    const thetas: Float32Array[] = [];
    for (const source of sources) thetas.push(await readTheta(origin, source, matmulPlain));
    vectors.set(
      name,
      thetas.map((theta) => theta.map((value, i) => value - origin.data[i])),
    );
  }
  const open = new Set(vectors.keys());
  const heads = plan.experts.map(({ source }) => source.head);
  const lookUp = (tensors: ReadonlyMap<string, FloatTensor>) => (name: string) => tensors.get(name) ?? floatTensor([0], new Float32Array());
  const graph = emitOpenGraph(architecture, sizes, lookUp(base), open, heads);
  const session = await createNodeSession(graph, { threads });
  const tokenizer = createTokenizer(plan.tokenizer.json, plan.tokenizer.config, plan.maxTokens);
  const read = await readData(data, tasks, 'validation', rows);
  const measured = [...read].map(([name, task]): MeasuredTask => {
    const place = plan.experts.findIndex((expert) => expert.name === name);
    const first = heads.slice(0, place).reduce((sum, { bias }) => sum + bias.data.length, 0);
    return { ...task, first, encoded: task.rows.map(({ text, text_pair: pair }) => tokenizer.encode(text, pair)) };
  });
  await plan.close();
  return {
    experts: plan.experts.map(({ name }) => name),
    async costs(weights) {
      const merged = new Map(base);
      for (const [name, each] of vectors) {
        const { shape, data: origin } = lookUp(base)(name);
        const sum = origin.slice();
        for (const [t, vector] of each.entries()) for (let i = 0; i < sum.length; i++) sum[i] += weights[t] * vector[i];
        merged.set(name, floatTensor(shape, sum));
      }
      const inputs = openWeights(architecture, sizes, lookUp(merged), open);
      const costs: number[] = [];
      for (const task of measured) costs.push(1 - (await scoreOf(session, inputs, task)));
      return costs;
    },
    close: () => session.release(),
  };
}

async function scoreOf(
  session: Session,
  weights: Record<string, FloatTensor>,
  { task, rows, encoded, first }: MeasuredTask,
): Promise<number> {
  const count = task.labels?.length ?? 1;
  const predictions = await inBatches(encoded, async (batch) => {
    const { logits } = await session.run({ ...encoderFeeds(batch), ...weights });
    const width = logits.shape[1];
    return batch.map((_, i) => {
      const own = Array.from(logits.data, Number).slice(i * width + first, i * width + first + count);
      return task.labels === null ? own[0] : argmax(own);
    });
  });
  return METRICS[task.metric](
    rows.map(({ label }) => label),
    predictions,
    count,
  );
}
