// The experts themselves: θ_t as one plain graph each, what every merged answer is measured against.

import { matmulPlain } from '../../core/linalg/matmul.ts';
import { argmax } from '../../core/routing/score.ts';
import { expectFloat, floatTensor, type FloatTensor } from '../../core/tensor.ts';
import type { Score } from '../../contract/manifest.ts';
import type { Base, ExpertSource } from '../../formats/checkpoint.ts';
import type { Tokenizer } from '../../formats/tokenizer.ts';
import { createNodeSession } from '../../host/ort-session.ts';
import { encoderFeeds } from '../../model/encoder-feeds.ts';
import { emitPlainGraph } from '../../model/onnx-emitter.ts';
import type { OpenArchitecture } from '../../model/registry.ts';
import { readTheta } from '../../build/theta.ts';
import { inBatches } from '../../model/in-batches.ts';
import type { TaskData } from './read-data.ts';
import { scoreOf } from './score-of.ts';

/** An expert beside its base. */
export interface IndividualExpert {
  readonly base: Base;
  readonly model: OpenArchitecture;
  readonly source: ExpertSource;
  readonly tokenizer: Tokenizer;
}

/**
 * θ_t's own predictions: class indices, or values for a regression.
 * Cost: the model in f32 twice, and one pass a row
 */
export async function predictIndividual({ base, model, source, tokenizer }: IndividualExpert, { rows }: TaskData): Promise<number[]> {
  const parameters = new Map<string, FloatTensor>();
  for (const { name, shape } of model.parameters) {
    parameters.set(name, floatTensor(shape, await readTheta(await base.readFloat(name), source.parameter(name), matmulPlain)));
  }
  const graph = emitPlainGraph(
    model.architecture,
    model.config,
    (name) => expectFloat(parameters.get(name), parameters.get(name)?.shape ?? [], name),
    [source.head],
  );
  const session = await createNodeSession(graph);
  try {
    const encoded = rows.map(({ text, text_pair: pair }) => tokenizer.encode(text, pair));
    const classes = source.labels.length;
    return await inBatches(encoded, async (batch) => {
      const { logits } = await session.run(encoderFeeds(batch));
      const { data } = expectFloat(logits, [batch.length, classes], 'logits');
      return batch.map((_, i) => {
        const own = data.subarray(i * classes, (i + 1) * classes);
        return source.problem === 'regression' ? own[0] : argmax(own);
      });
    });
  } finally {
    await session.release();
  }
}

/** θ_t's own score on a task. */
export async function scoreIndividual(expert: IndividualExpert, data: TaskData): Promise<Score> {
  return {
    metric: data.task.metric,
    value: scoreOf(data, await predictIndividual(expert, data)),
    rows: data.rows.length,
  };
}
