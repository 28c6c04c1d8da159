// What the paper's router reads: the mean over tokens of the last hidden states of the shared model, or of a model with gates.
//
// Letters: N rows, d width.

import type { Progress } from '../../core/progress.ts';
import { expectFloat, floatTensor, type FloatTensor } from '../../core/tensor.ts';
import { readTensors } from '../../formats/read-tensors.ts';
import type { FolderSource } from '../../formats/source.ts';
import { createTokenizer } from '../../formats/tokenizer.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { createNodeSession } from '../../host/ort-session.ts';
import { encoderFeeds } from '../../model/encoder-feeds.ts';
import { inBatches } from '../../model/in-batches.ts';
import { emitPlainGraph } from '../../model/onnx-emitter.ts';
import { openWritten } from '../open-written.ts';
import type { BuildPlan } from '../plan.ts';
import type { RouterRow } from './train.ts';

/**
 * ONNX bytes of the shared model without heads.
 * @param folder holds `sharedFile`, the shared model as it is stored
 * Cost: the model in f32 twice
 */
export async function sharedGraph({ model }: Pick<BuildPlan, 'model'>, folder: FolderSource, sharedFile: string): Promise<Uint8Array> {
  const parameters = await readTensors(await openWritten(folder, sharedFile), model.parameters);
  const read = (name: string): FloatTensor => {
    const tensor = parameters.get(name);
    if (tensor !== undefined) return tensor;
    throw new TwinrouteError('internal', `sharedGraph: expected the name of a parameter, got ${name}`);
  };
  return emitPlainGraph(model.architecture, model.config, read, []);
}

/**
 * Features of every row, `[N, d]`.
 * @param graph what an origin will run where nobody has routed yet
 * Cost: one pass a row
 */
export async function sharedFeatures(
  plan: Pick<BuildPlan, 'model' | 'tokenizer' | 'maxTokens'>,
  graph: Uint8Array,
  rows: readonly RouterRow[],
  progress: Progress,
): Promise<FloatTensor> {
  const { width } = plan.model;
  const session = await createNodeSession(graph);
  try {
    const tokenizer = createTokenizer(plan.tokenizer.json, plan.tokenizer.config, plan.maxTokens);
    const encoded = rows.map(({ text, text_pair: pair }) => tokenizer.encode(text, pair));
    const vectors = await inBatches(
      encoded,
      async (batch) => {
        const { features } = await session.run(encoderFeeds(batch));
        const { data } = expectFloat(features, [batch.length, width], 'features');
        return batch.map((_, i) => data.subarray(i * width, (i + 1) * width));
      },
      (done) => progress({ stage: 'features', done, total: rows.length }),
    );
    const data = new Float32Array(rows.length * width);
    for (const [i, vector] of vectors.entries()) data.set(vector, i * width);
    return floatTensor([rows.length, width], data);
  } finally {
    await session.release();
  }
}
