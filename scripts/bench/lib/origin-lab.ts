// Encoders to compare: one plain merged model, the pack as it is served, and the pack's shared model with random experts of given ranks.

import { createCostModel } from '../../../src/core/batching/cost-model.ts';
import { chooseRows } from '../../../src/core/batching/choose-rows.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import type { FloatTensor } from '../../../src/core/tensor.ts';
import { expectFloat } from '../../../src/core/tensor.ts';
import type { Pack } from '../../../src/formats/pack.ts';
import { startSessionThread } from '../../../src/host/session-thread.ts';
import { encoderFeeds } from '../../../src/model/encoder-feeds.ts';
import type { ExpertFactors, ParameterFactors } from '../../../src/model/expert-factors.ts';
import { emitPlainGraph } from '../../../src/model/onnx-emitter.ts';
import { emitOpenTwinGraph, type Opening } from '../../../src/model/open-twin-graph.ts';
import { openPackWeights } from '../../../src/model/pack-weights.ts';
import type { CreateSession, Session } from '../../../src/model/session.ts';
import type { Encoder } from '../../../src/origin/encoder.ts';
import { createExpertStore } from '../../../src/origin/expert-store.ts';
import { createPackEncoder } from '../../../src/origin/pack-encoder.ts';
import { createTwinEncoder } from '../../../src/origin/twin-encoder.ts';

/** Everything that is compared. */
export interface OriginLab {
  readonly plain: Encoder;
  readonly sample: Encoder;
  /** The same with room for three mixes' own weights. */
  readonly promoting: Encoder;
  readonly ranks: readonly { readonly rank: number; readonly eight: Encoder; readonly hundred: Encoder }[];
  release(): Promise<void>;
}

const RANKS = [4, 16];

/** What a run costs is learnt from its times; these are of one core of a server. */
const PRIOR = { start: 1.5, token: 0.2, tokenRank: 0.001, rank: 0.01 };

/** Compiles the encoders; those of random experts share a session. */
export async function openLab(pack: Pack, threads: number): Promise<OriginLab> {
  const weights = await openPackWeights(pack);
  const { architecture, config, parameters } = weights.model;
  const shared = new Map<string, FloatTensor>();
  for (const { name } of parameters) shared.set(name, await weights.shared(name));
  const read = (name: string): FloatTensor => {
    const tensor = shared.get(name);
    if (tensor === undefined) throw new Error(`no parameter ${name}`);
    return tensor;
  };
  const names = pack.manifest.experts.map(({ name }) => name);
  const changed = new Set(
    pack.manifest.experts.flatMap(({ tensors }) => tensors.flatMap(({ name, kind }) => (kind === 'factored' ? [name] : []))),
  );
  const thread = startSessionThread();
  const createSession: CreateSession = (model) => thread.create(model, { threads });
  const plainSession = await createSession(emitPlainGraph(architecture, config, read, []));
  const open = emitOpenTwinGraph(architecture, config, read, changed);
  const openSession = await createSession(open.model);
  const random = (count: number, rank: number): Encoder => randomEncoder(openSession, open.openings, count, rank);
  const sample = await createPackEncoder(pack, names, { createSession });
  const promoting = await createPackEncoder(pack, names, { createSession, promotedBytes: 128 << 20, log: (line) => console.error(line) });
  return {
    plain: plainEncoder(plainSession),
    sample,
    promoting,
    ranks: RANKS.map((rank) => ({ rank, eight: random(8, rank), hundred: random(100, rank) })),
    async release() {
      await plainSession.release();
      await openSession.release();
      await sample.release();
      await promoting.release();
      await thread.close();
    },
  };
}

function plainEncoder(session: Session): Encoder {
  const cost = createCostModel(PRIOR);
  return {
    async run(rows) {
      const startMs = performance.now();
      const { pooled, features } = await session.run(encoderFeeds(rows));
      cost.observe({ tokens: rows.length * Math.max(...rows.map(({ ids }) => ids.length)), rank: 0 }, performance.now() - startMs);
      return { pooled: expectFloat(pooled, pooled.shape, 'pooled'), features: expectFloat(features, features.shape, 'features') };
    },
    choose: (waiting, maxRows) =>
      chooseRows(
        waiting.map(({ ids }) => ({ tokens: ids.length, experts: [] })),
        { maxRows, rankOf: () => 0, cost },
      ),
    release: () => session.release(),
  };
}

function randomEncoder(session: Session, openings: readonly Opening[], count: number, rank: number): Encoder {
  const random = createRandom(rank);
  const experts = Array.from({ length: count }, (_, e) => `e${e}`);
  const made = new Map(experts.map((name) => [name, randomExpert(openings, rank, random)]));
  const load = (name: string): Promise<ExpertFactors> => {
    const expert = made.get(name);
    return expert === undefined ? Promise.reject(new Error(name)) : Promise.resolve(expert);
  };
  return createTwinEncoder({
    session,
    openings,
    fed: {},
    experts,
    store: createExpertStore(load, Infinity),
    fade: undefined,
    ranks: experts.map(() => rank),
    cost: createCostModel(PRIOR),
    now: () => performance.now(),
  });
}

function randomExpert(openings: readonly Opening[], rank: number, random: Random): ExpertFactors {
  const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => 0.02 * (random.uniform() - 0.5));
  const factors = new Map<string, ParameterFactors>();
  let bytes = 0;
  for (const opening of openings) {
    if (opening.kind !== 'matrix') continue;
    const { name, m, n } = opening;
    factors.set(name, { rank, u: numbers(rank * m), v: numbers(rank * n) });
    bytes += 4 * rank * (m + n);
  }
  return { factors, deltas: new Map(), bytes };
}
