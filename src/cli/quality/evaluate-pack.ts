// A pack's answers on labelled rows: as a caller gets them (router, then the head it chose), by the oracle's mix, and by the shared model
// alone. Aggregation is core/evaluate.ts.

import type { EvaluatedRow, EvaluatedTask } from '../../core/evaluate.ts';
import type { Progress } from '../../core/progress.ts';
import { argmax } from '../../core/routing/score.ts';
import type { Predictor } from '../../origin/predictor.ts';
import { inBatches } from '../../model/in-batches.ts';
import type { Route } from './pack-route.ts';
import type { TaskData } from './read-data.ts';

/** What is known of the experts themselves: a score, or a prediction for each row of a task. */
export interface Individual {
  readonly scores: ReadonlyMap<string, number>;
  readonly predictions: ReadonlyMap<string, readonly number[]>;
}

/** A row with the mix and the head that answer it. */
export interface Job {
  readonly ids: Int32Array;
  readonly types: Int32Array;
  readonly mix: Float32Array;
  readonly head: number;
}

/**
 * Evaluated rows of every task.
 * @param predictor with all experts of `data` resident
 * Cost: up to three passes a row; a row that was routed to its own expert alone needs two
 */
export async function evaluatePack(
  predictor: Predictor,
  route: Route,
  data: ReadonlyMap<string, TaskData>,
  individual: Individual,
  progress: Progress,
): Promise<Record<string, EvaluatedTask>> {
  const tasks: Record<string, EvaluatedTask> = {};
  const names = predictor.experts.map((expert) => expert.name);
  let done = 0;
  const total = [...data.values()].reduce((sum, { rows }) => sum + rows.length, 0);
  for (const [name, { task, rows }] of data) {
    const own = names.indexOf(name);
    const oneHot = names.map((candidate) => (candidate === name ? 1 : 0));
    const oracle: Job[] = [];
    const shared: Job[] = [];
    const routed: Job[] = [];
    const confidences: (number | undefined)[] = [];
    for (const { text, text_pair: textPair } of rows) {
      const { ids, types } = predictor.encode(text, textPair);
      const { mix, head, confidence } = await route({ text, textPair, ids, types });
      confidences.push(confidence);
      oracle.push({ ids, types, mix: Float32Array.from(oneHot), head: own });
      shared.push({ ids, types, mix: new Float32Array(names.length), head: own });
      routed.push({ ids, types, mix, head: names.indexOf(head) });
    }
    const byOracle = await predictAll(predictor, oracle);
    const byShared = await predictAll(predictor, shared);
    const byRouter = await predictRouted(predictor, routed, oracle, byOracle);
    const predictions = individual.predictions.get(name);
    const score = individual.scores.get(name);
    tasks[name] = {
      metric: task.metric,
      classes: task.labels === null ? null : task.labels.length,
      ...(task.range !== undefined && { range: task.range }),
      ...(score !== undefined && { individualScore: score }),
      rows: rows.map(({ label }, i): EvaluatedRow => {
        const confidence = confidences[i];
        return {
          label,
          ...(predictions !== undefined && { individual: predictions[i] }),
          shared: byShared[i],
          oracle: byOracle[i],
          routed: { expert: names[routed[i].head], prediction: byRouter[i], ...(confidence !== undefined && { confidence }) },
        };
      }),
    };
    done += rows.length;
    progress({ stage: 'evaluate', done, total, note: name });
  }
  return tasks;
}

/** Routed predictions; a row whose router chose what the oracle would is not run again. */
async function predictRouted(
  predictor: Predictor,
  routed: readonly Job[],
  oracle: readonly Job[],
  byOracle: readonly number[],
): Promise<number[]> {
  const alike = (i: number): boolean =>
    routed[i].head === oracle[i].head && routed[i].mix.every((weight, e) => weight === oracle[i].mix[e]);
  const others = Array.from(routed.keys()).filter((i) => !alike(i));
  const answers = await predictAll(
    predictor,
    others.map((i) => routed[i]),
  );
  const predictions = [...byOracle];
  for (const [k, i] of others.entries()) predictions[i] = answers[k];
  return predictions;
}

/** Class index, or the value of a regression, for each job. */
export async function predictAll(predictor: Predictor, jobs: readonly Job[]): Promise<number[]> {
  const outputs = await inBatches(jobs, (batch) => predictor.run(batch));
  return outputs.map(({ logits }, i) => {
    const { head } = jobs[i];
    const own = logits(head);
    return predictor.experts[head].problem === 'regression' ? own[0] : argmax(own);
  });
}
