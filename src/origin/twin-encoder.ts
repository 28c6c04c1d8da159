// The factored way to serve mixes: low-rank modules beside the shared product, of just the experts that a run's rows mix. Rows of a run may all differ.
//
// Letters: B rows, E experts, m × n a matrix, r rank.

import type { CostModel } from '../core/batching/cost-model.ts';
import { chooseRows } from '../core/batching/choose-rows.ts';
import type { FloatTensor } from '../core/tensor.ts';
import type { ExpertFactors } from '../model/expert-factors.ts';
import type { Opening } from '../model/open-twin-graph.ts';
import type { Session } from '../model/session.ts';
import { twinFeeds, type RunExpert } from '../model/twin-feeds.ts';
import { encodeRows, paddedTokens } from './encode-rows.ts';
import type { Encoder } from './encoder.ts';
import type { ExpertStore } from './expert-store.ts';
import type { PredictorRow } from './predictor.ts';

/** What a twin encoder is made of. */
export interface TwinEncoderOptions {
  /** An open graph. */
  readonly session: Session;
  readonly openings: readonly Opening[];
  /** Feeds of every run. */
  readonly fed: Readonly<Record<string, FloatTensor>>;
  /** Names of the experts, the columns of mixes. */
  readonly experts: readonly string[];
  readonly store: ExpertStore;
  /** Weighs as much as all experts of a row together; undefined where modules are about the shared model. */
  readonly fade: ExpertFactors | undefined;
  /** Mean rank of an expert over the matrices, by index. */
  readonly ranks: readonly number[];
  readonly cost: CostModel;
  /** Milliseconds. */
  readonly now: () => number;
}

/** An encoder over an open graph; it owns the session. */
export function createTwinEncoder(options: TwinEncoderOptions): Encoder {
  const { session, openings, fed, experts, store, fade, ranks, cost, now } = options;
  const fadeRank = fade === undefined ? 0 : meanRank(openings, (name) => fade.factors.get(name)?.rank ?? 0);
  const rankOf = (expert: number): number => ranks[expert];

  return {
    async prepare(mix) {
      await Promise.all(mixed(mix).map((e) => store.get(experts[e])));
    },

    async run(rows) {
      const used = [...new Set(rows.flatMap(({ mix }) => mixed(mix)))].sort((a, b) => a - b);
      const members: RunExpert[] = await Promise.all(
        used.map(async (e) => ({ expert: await store.get(experts[e]), weights: Float32Array.from(rows, ({ mix }) => mix[e]) })),
      );
      if (fade !== undefined && used.length > 0) members.push({ expert: fade, weights: Float32Array.from(rows, filled) });
      const feeds = { ...fed, ...twinFeeds(openings, rows, members) };
      const startMs = now();
      const encoded = await encodeRows(session, rows, feeds);
      const rank = used.reduce((sum, e) => sum + rankOf(e), used.length > 0 ? fadeRank : 0);
      cost.observe({ tokens: paddedTokens(rows), rank }, now() - startMs);
      return encoded;
    },

    choose: (waiting, maxRows) =>
      chooseRows(
        waiting.map(({ ids, mix }) => ({ tokens: ids.length, experts: mixed(mix) })),
        { maxRows, rankOf, cost },
      ),
    release: () => session.release(),
  };
}

/** Indices of the experts that a mix weighs. */
function mixed(mix: Float32Array): readonly number[] {
  const indices: number[] = [];
  for (let e = 0; e < mix.length; e++) if (mix[e] !== 0) indices.push(e);
  return indices;
}

function filled({ mix }: PredictorRow): number {
  return mix.reduce((sum, weight) => sum + weight, 0);
}

/** Mean rank over the matrices of a graph, each by the work of one column of its factors, `m + n`. */
export function meanRank(openings: readonly Opening[], rankOf: (parameter: string) => number): number {
  let work = 0;
  let columns = 0;
  for (const opening of openings) {
    if (opening.kind !== 'matrix') continue;
    columns += opening.m + opening.n;
    work += rankOf(opening.name) * (opening.m + opening.n);
  }
  return columns === 0 ? 0 : work / columns;
}
