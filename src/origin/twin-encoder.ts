// The factored way to serve mixes: low-rank modules beside the shared product, of just the experts that a run's rows mix. Rows of a run may all differ.
//
// Letters: B rows, E experts, m × n a matrix, r rank.

import type { CostModel } from '../core/batching/cost-model.ts';
import { chooseRows } from '../core/batching/choose-rows.ts';
import { cheaperSize, type RunRow } from '../core/batching/run-shapes.ts';
import { createScratch } from '../core/shared-floats.ts';
import type { FloatTensor } from '../core/tensor.ts';
import type { ExpertFactors } from '../model/expert-factors.ts';
import type { Opening } from '../model/open-twin-graph.ts';
import { releaseAll, type Session } from '../model/session.ts';
import { packedFeeds } from '../model/packed-feeds.ts';
import { twinFeeds, type RunExpert } from '../model/twin-feeds.ts';
import { encodeRows } from './encode-rows.ts';
import type { Encoder } from './encoder.ts';
import type { ExpertStore } from './expert-store.ts';
import type { PredictorRow } from './predictor.ts';

/** What a twin encoder is made of. */
export interface TwinEncoderOptions {
  /** An open graph, once for each instance. */
  readonly sessions: readonly Session[];
  readonly openings: readonly Opening[];
  /** Feeds of every run. */
  readonly fed: Readonly<Record<string, FloatTensor>>;
  /** Names of the experts, the columns of mixes. */
  readonly experts: readonly string[];
  readonly store: ExpertStore;
  /** Weighs what a row's weights add up to, less 1: nothing where they are full; undefined where modules are about the shared model. */
  readonly fade: ExpertFactors | undefined;
  /** Mean rank of an expert over the matrices, by index. */
  readonly ranks: readonly number[];
  readonly cost: CostModel;
  /** Milliseconds. */
  readonly now: () => number;
}

/** The fade among the indices of experts. */
const FADE = -1;
/** Weights that were divided by their sum add up to 1 within this. */
const ROUNDING = 1e-6;

/** An encoder over an open graph; it owns the sessions. */
export function createTwinEncoder(options: TwinEncoderOptions): Encoder {
  const { sessions, openings, fed, experts, store, fade, ranks, cost, now } = options;
  const fadeRank = fade === undefined ? 0 : meanRank(openings, (name) => fade.factors.get(name)?.rank ?? 0);
  const rankOf = (expert: number): number => (expert === FADE ? fadeRank : ranks[expert]);
  const scratches = sessions.map(createScratch);
  // What tables and vectors get is not cut into tiles.
  const tiles = openings.every(({ kind }) => kind === 'matrix');
  const known = new WeakMap<PredictorRow, RunRow>();
  /** Looked at anew for each run that it waits for. */
  const runRow = (row: PredictorRow): RunRow => {
    const { ids, mix } = row;
    const seen = known.get(row) ?? {
      tokens: ids.length,
      experts: [...mixed(mix), ...(fade !== undefined && missing(mix) !== 0 ? [FADE] : [])],
    };
    known.set(row, seen);
    return seen;
  };

  return {
    instances: sessions.length,

    async prepare(mix) {
      await Promise.all(mixed(mix).map((e) => store.get(experts[e])));
    },

    async run(rows, instance = 0) {
      const shaped = rows.map(runRow);
      const mixes = new Set(shaped.flatMap((row) => row.experts));
      const fades = mixes.delete(FADE);
      const used = [...mixes].sort((a, b) => a - b);
      const members: RunExpert[] = await Promise.all(
        used.map(async (e) => ({ expert: await store.get(experts[e]), weights: Float32Array.from(rows, ({ mix }) => mix[e]) })),
      );
      if (fade !== undefined && fades) members.push({ expert: fade, weights: Float32Array.from(rows, ({ mix }) => -missing(mix)) });
      const startMs = now();
      const size = cheaperSize(shaped, rankOf, cost, tiles);
      const tiled = size.tiled === true;
      const feeds = { ...fed, ...packedFeeds(rows, tiled), ...twinFeeds(openings, { rows, experts: members, tiled }, scratches[instance]) };
      const encoded = await encodeRows(sessions[instance], rows.length, feeds);
      cost.observe(size, now() - startMs);
      return encoded;
    },

    choose: (waiting, maxRows) => chooseRows(waiting.map(runRow), { maxRows, rankOf, cost, tiles }),
    release: () => releaseAll(sessions),
  };
}

/** Indices of the experts that a mix weighs. */
function mixed(mix: Float32Array): readonly number[] {
  const indices: number[] = [];
  for (let e = 0; e < mix.length; e++) if (mix[e] !== 0) indices.push(e);
  return indices;
}

/** What a mix lacks to be full; nothing where that is rounding. */
function missing(mix: Float32Array): number {
  const rest = 1 - mix.reduce((sum, weight) => sum + weight, 0);
  return Math.abs(rest) < ROUNDING ? 0 : rest;
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
