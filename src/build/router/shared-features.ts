// What the paper's router reads: the mean over tokens of the shared model's last hidden states.
//
// Letters: N rows, d width.

import type { Progress } from '../../core/progress.ts';
import { expectFloat, floatTensor, type FloatTensor } from '../../core/tensor.ts';
import { openSafetensors } from '../../formats/safetensors.ts';
import type { FolderSource } from '../../formats/source.ts';
import { createTokenizer } from '../../formats/tokenizer.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { createNodeSession } from '../../host/ort-session.ts';
import { encoderFeeds } from '../../model/encoder-feeds.ts';
import { inBatches } from '../../model/in-batches.ts';
import { emitPlainGraph } from '../../model/onnx-emitter.ts';
import type { BuildPlan } from '../plan.ts';
import type { RouterRow } from './train.ts';

/**
 * Features of every row, `[N, d]`.
 * @param folder holds `sharedFile`, the shared model as it is stored: what an origin will run
 * Cost: the model in f32 twice, and one pass a row
 */
export async function sharedFeatures(
  plan: Pick<BuildPlan, 'model' | 'tokenizer' | 'maxTokens'>,
  folder: FolderSource,
  sharedFile: string,
  rows: readonly RouterRow[],
  progress: Progress,
): Promise<FloatTensor> {
  const source = await folder.open(sharedFile);
  if (source === undefined)
    throw new TwinrouteError('internal', `sharedFeatures: expected ${sharedFile} in ${folder.name}, got no such file`);
  const file = await openSafetensors(source);
  const parameters = new Map<string, FloatTensor>();
  for (const { name } of plan.model.parameters) parameters.set(name, await file.readFloat(name));
  const { architecture, config, width } = plan.model;
  const shapes = new Map(plan.model.parameters.map(({ name, shape }) => [name, shape]));
  const session = await createNodeSession(
    emitPlainGraph(architecture, config, (name) => expectFloat(parameters.get(name), shapes.get(name) ?? [], name), []),
  );
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
