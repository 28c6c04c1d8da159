// What a pack's answer to a mix is by definition: the plain model on weights that were merged in f64, one row at a time.

import type { FloatTensor } from '../../src/core/tensor.ts';
import type { Pack } from '../../src/formats/pack.ts';
import { encoderFeeds } from '../../src/model/encoder-feeds.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import { openPackWeights } from '../../src/model/pack-weights.ts';
import type { CreateSession, Session } from '../../src/model/session.ts';
import { encodeRows } from '../../src/origin/encode-rows.ts';
import type { PredictorRow } from '../../src/origin/predictor.ts';

/** Answers by the dense merge. */
export interface DenseReference {
  run(row: PredictorRow): Promise<{ readonly pooled: Float32Array; readonly features: Float32Array }>;
  release(): Promise<void>;
}

/** One session for each mix that is asked for. @param experts the columns of mixes */
export async function createDenseReference(pack: Pack, experts: readonly string[], createSession: CreateSession): Promise<DenseReference> {
  const weights = await openPackWeights(pack);
  const { architecture, config, parameters } = weights.model;
  const sessions = new Map<string, Session>();
  const create = async (mix: Float32Array): Promise<Session> => {
    const entries = experts.flatMap((expert, e) => (mix[e] === 0 ? [] : [{ expert, weight: mix[e] }]));
    const merged = new Map<string, FloatTensor>();
    for (const { name } of parameters) merged.set(name, await weights.folded(name, entries));
    const read = (name: string): FloatTensor => {
      const tensor = merged.get(name);
      if (tensor === undefined) throw new Error(`no parameter ${name}`);
      return tensor;
    };
    return createSession(emitPlainGraph(architecture, config, read, []));
  };
  return {
    async run(row) {
      const key = row.mix.join(' ');
      const session = sessions.get(key) ?? (await create(row.mix));
      sessions.set(key, session);
      const { pooled, features } = await encodeRows(session, 1, encoderFeeds([row]));
      return { pooled: pooled.data, features: features.data };
    },
    async release() {
      for (const session of sessions.values()) await session.release();
    },
  };
}
