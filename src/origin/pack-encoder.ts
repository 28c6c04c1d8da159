// How a pack's method is run: one row a method.

import { createCostModel, type PriorCost, type RunSize } from '../core/batching/cost-model.ts';
import { createHotMixes } from '../core/batching/hot-mixes.ts';
import { messageOf, TwinrouteError } from '../core/errors.ts';
import { describeMixKey } from '../core/mix-key.ts';
import { floatTensor } from '../core/tensor.ts';
import type { Pack } from '../formats/pack.ts';
import { encoderFeeds } from '../model/encoder-feeds.ts';
import { createMergedSessions } from '../model/merged-session.ts';
import type { Opening } from '../model/open-twin-graph.ts';
import { packedFeeds } from '../model/packed-feeds.ts';
import { packGraph } from '../model/pack-graph.ts';
import { packOpenGraph } from '../model/pack-open-graph.ts';
import { releaseAll, type CreateSession, type Session } from '../model/session.ts';
import { encodeRows } from './encode-rows.ts';
import type { Encoder } from './encoder.ts';
import { createPromotingEncoder } from './promoting-encoder.ts';
import { createTwinEncoder } from './twin-encoder.ts';
import { openTwinPack, type GraphForm } from './twin-pack.ts';

/** How a pack is run. */
export interface PackEncoderOptions {
  /** Compiles graphs, once for each instance. */
  readonly instances: readonly CreateSession[];
  /** What suits the device that `instances` compile for. */
  readonly form?: GraphForm | undefined;
  /** Bytes of merged weights that are kept, where a method is served by merging; 1 GiB by default. */
  readonly cacheBytes?: number | undefined;
  /** Bytes of experts' factors that are kept; all of them by default. Others are read from the pack when they are asked for, so it has to stay open. */
  readonly expertBytes?: number | undefined;
  /** Bytes of weights that hot mixes may have of their own; none by default. They are merged from the pack, so it has to stay open. */
  readonly promotedBytes?: number | undefined;
  /** Takes a line for every mix that is promoted. */
  readonly log?: ((line: string) => void) | undefined;
}

type CreatePackEncoder = (pack: Pack, experts: readonly string[], options: PackEncoderOptions) => Promise<Encoder>;

/** Of what was seen of mixes, half is forgotten after so many tokens: a few minutes at full load. */
const HALF_LIFE_TOKENS = 500_000;
/** Milliseconds that weights of its own have to save a mix in a half-life: about what their merge takes for 10 million weights. */
const PAYS_MS = 500;
/** A run to tell the price of factors by. */
const TYPICAL_RUN = { tokens: 1000, scores: 32 * 32 * 57, rank: 0 } as const satisfies RunSize;

/** Low-rank modules beside the shared product: mixes of a run may all differ. Hot ones get weights of their own where there is room for them. */
const factored: CreatePackEncoder = async (pack, experts, options) => {
  const { expertBytes = Infinity, promotedBytes = 0 } = options;
  // Apart from the rest, which lives on: the model's bytes go once they are compiled.
  const { model, ...twin } = await openTwinPack(pack, experts, expertBytes, options.form);
  const { graph, store, fade, ranks } = twin;
  const cost = createCostModel(priorCost(graph.openings));
  const now = (): number => performance.now();
  const plain = createTwinEncoder({
    sessions: await createSessions(options.instances, model),
    openings: graph.openings,
    fed: graph.fed,
    experts,
    store,
    fade,
    ranks,
    cost,
    now,
  });
  const pages = store.pages(experts);
  const encoder: Encoder = {
    ...plain,
    async prepare(mix) {
      for (const [e, weight] of mix.entries()) if (weight !== 0) store.expectLoaded(experts[e]);
      await plain.prepare?.(mix);
    },
    pages,
    relieve: () => Promise.resolve(pages.drop()),
  };
  // With room for all there is no reason to wait for the first row that wants one, and the pack may be closed.
  if (expertBytes === Infinity) for (const name of experts) await store.get(name);
  const places = Math.floor(promotedBytes / twin.mixBytes);
  if (places === 0) return encoder;
  const saved = (): number => cost.predict({ ...TYPICAL_RUN, rank: Math.max(...ranks) }) - cost.predict(TYPICAL_RUN);
  return createPromotingEncoder({
    mixBytes: twin.mixBytes,
    factored: encoder,
    hot: createHotMixes({
      places,
      halfLifeTokens: HALF_LIFE_TOKENS,
      payingTokens: () => (PAYS_MS * TYPICAL_RUN.tokens) / Math.max(saved(), Number.MIN_VALUE),
    }),
    async merge(mix, instance, signal) {
      const session = await options.instances[instance](await twin.mergeMix(mix, signal));
      return { run: (rows) => encodeRows(session, rows.length, { ...graph.fed, ...packedFeeds(rows) }), release: () => session.release() };
    },
    cost,
    now,
    onChange({ promote, demote }) {
      const left = demote === undefined ? '' : `, ${describeMixKey(demote, experts)} gave its up`;
      options.log?.(`${pack.name}: mix ${describeMixKey(promote, experts)} has weights of its own${left}`);
    },
    onFailure: (error) => options.log?.(`${pack.name}: a mix could not be merged: ${messageOf(error)}`),
  });
};

/** A guess for a core of 50 GFLOP/s: only the ratios matter before runs have been timed. */
function priorCost(openings: readonly Opening[]): PriorCost {
  let plain = 0;
  let column = 0;
  for (const opening of openings) {
    if (opening.kind !== 'matrix') continue;
    plain += opening.m * opening.n;
    column += opening.m + opening.n;
  }
  const msOf = (macs: number): number => (macs + 1000) / 25e6;
  // A start costs about as much as eight tokens, thin products take 1.6 times as long as square ones, those of tiles 2.2 times, and copies move a number where
  // products do 20 (MiniLM, one core).
  // A score of attention and what is done to it cost as much as the 600th part of a token at width 384.
  return {
    start: 8 * msOf(plain),
    token: msOf(plain),
    tokenRank: 1.6 * msOf(column),
    tiledTokenRank: 2.2 * msOf(column),
    rank: 20 * msOf(column),
    score: msOf(plain) / 600,
  };
}

/** Weights merged for each mix. */
const merged: CreatePackEncoder = async (pack, experts, options) => {
  const { model, merge } = await packOpenGraph(pack, experts, options.form?.precision);
  const sessions = createMergedSessions({
    sessions: await createSessions(options.instances, model),
    merge,
    cacheBytes: options.cacheBytes ?? 1 << 30,
  });
  return {
    instances: sessions.length,
    run(rows, instance = 0) {
      const mix = new Float32Array(rows.length * experts.length);
      for (const [i, row] of rows.entries()) mix.set(row.mix, i * experts.length);
      return encodeRows(sessions[instance], rows.length, { ...encoderFeeds(rows), mix: floatTensor([rows.length, experts.length], mix) });
    },
    release: () => releaseAll(sessions),
  };
};

/** The graph's own gates mix, so that there is no mix to feed. */
const gated: CreatePackEncoder = async (pack, _, options) => {
  const sessions = await createSessions(options.instances, await packGraph(pack, [], options.form?.precision));
  return {
    instances: sessions.length,
    run: (rows, instance = 0) => encodeRows(sessions[instance], rows.length, encoderFeeds(rows)),
    release: () => releaseAll(sessions),
  };
};

/** One after another: what compiling takes, it takes once at a time. */
async function createSessions(instances: readonly CreateSession[], model: Uint8Array): Promise<readonly Session[]> {
  const sessions: Session[] = [];
  try {
    for (const create of instances) sessions.push(await create(model));
  } catch (error) {
    await releaseAll(sessions);
    throw error;
  }
  return sessions;
}

const METHODS: Readonly<Record<string, CreatePackEncoder>> = {
  twin: factored,
  emr: merged,
  wemoe: gated,
  e_wemoe: gated,
};

/**
 * An encoder over a pack.
 * @param experts names of the served experts, in the order of mixes
 * @throws {TwinrouteError} `unsupported` for a method that this program does not serve
 */
export function createPackEncoder(pack: Pack, experts: readonly string[], options: PackEncoderOptions): Promise<Encoder> {
  const { method } = pack.manifest;
  if (Object.hasOwn(METHODS, method)) return METHODS[method](pack, experts, options);
  throw new TwinrouteError('unsupported', `${pack.name}: expected a pack of ${Object.keys(METHODS).join(' or ')}, got one of ${method}`);
}
