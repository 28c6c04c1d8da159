// How a pack's method is run: one row a method. Every session takes the encoder's inputs and `mix`, and gives `logits` and `features`, with gates also `gates`.

import { TwinrouteError } from '../core/errors.ts';
import type { Pack } from '../formats/pack.ts';
import { createNodeSession, type NodeSessionOptions } from '../host/ort-session.ts';
import { createMergedSession } from '../model/merged-session.ts';
import { packGraph } from '../model/pack-graph.ts';
import { packOpenGraph } from '../model/pack-open-graph.ts';
import type { Session } from '../model/session.ts';

/** How a pack is run. */
export interface PackSessionOptions extends NodeSessionOptions {
  /** Bytes of merged weights that are kept, where a method is served by merging; 1 GiB by default. */
  readonly cacheBytes?: number;
}

type CreatePackSession = (pack: Pack, experts: readonly string[], options: PackSessionOptions) => Promise<Session>;

/** Low-rank modules beside the shared product: mixes of a batch may all differ. */
const factored: CreatePackSession = async (pack, experts, options) => createNodeSession(await packGraph(pack, experts), options);

/** Weights merged for each mix. */
const merged: CreatePackSession = async (pack, experts, { cacheBytes = 1 << 30, ...options }) => {
  const { model, merge } = await packOpenGraph(pack, experts);
  return createMergedSession({ session: await createNodeSession(model, options), merge, cacheBytes });
};

/** The same, but the graph's own gates mix, so that there is no mix to feed. */
const gated: CreatePackSession = async (pack, experts, options) => {
  const session = await factored(pack, experts, options);
  return { ...session, run: ({ mix: _, ...feeds }) => session.run(feeds) };
};

const METHODS: Readonly<Record<string, CreatePackSession>> = {
  twin: factored,
  emr: merged,
  wemoe: gated,
  e_wemoe: gated,
};

/**
 * A session over a pack.
 * @param experts names of the resident experts, in the order of `mix` and of the heads
 * @throws {TwinrouteError} `unsupported` for a method that this program does not serve
 */
export function createPackSession(pack: Pack, experts: readonly string[], options: PackSessionOptions): Promise<Session> {
  const { method } = pack.manifest;
  if (Object.hasOwn(METHODS, method)) return METHODS[method](pack, experts, options);
  throw new TwinrouteError('unsupported', `${pack.name}: expected a pack of ${Object.keys(METHODS).join(' or ')}, got one of ${method}`);
}
