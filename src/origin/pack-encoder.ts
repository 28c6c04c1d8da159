// How a pack's method is run: one row a method.

import { TwinrouteError } from '../core/errors.ts';
import { createCostModel, type PriorCost } from '../core/batching/cost-model.ts';
import { expectFloat, floatTensor } from '../core/tensor.ts';
import { loadExpert, openModules, readModules } from '../formats/expert-file.ts';
import { expertOf, type Pack } from '../formats/pack.ts';
import { readTensors } from '../formats/read-tensors.ts';
import { createNodeSession, type NodeSessionOptions } from '../host/ort-session.ts';
import { encoderFeeds } from '../model/encoder-feeds.ts';
import { arrangeModules } from '../model/expert-factors.ts';
import { createMergedSession } from '../model/merged-session.ts';
import { emitOpenTwinGraph, type Opening } from '../model/open-twin-graph.ts';
import { packGraph } from '../model/pack-graph.ts';
import { packOpenGraph } from '../model/pack-open-graph.ts';
import { openArchitecture } from '../model/registry.ts';
import type { Session } from '../model/session.ts';
import type { EncodedRows, Encoder } from './encoder.ts';
import { createExpertStore } from './expert-store.ts';
import { createTwinEncoder, meanRank } from './twin-encoder.ts';

/** How a pack is run. */
export interface PackEncoderOptions extends NodeSessionOptions {
  /** Bytes of merged weights that are kept, where a method is served by merging; 1 GiB by default. */
  readonly cacheBytes?: number;
  /** Bytes of experts' factors that are kept; all of them by default. Others are read from the pack when they are asked for, so it has to stay open. */
  readonly expertBytes?: number;
}

type CreatePackEncoder = (pack: Pack, experts: readonly string[], options: PackEncoderOptions) => Promise<Encoder>;

/** Low-rank modules beside the shared product: mixes of a run may all differ. */
const factored: CreatePackEncoder = async (pack, experts, { expertBytes = Infinity, cacheBytes: _, ...options }) => {
  const { manifest } = pack;
  const model = openArchitecture(manifest.architecture.type, manifest.architecture.config);
  const { fade } = manifest.shared;
  const entries = experts.map((name) => expertOf(manifest, name));
  const changed = [...entries, ...(fade === undefined ? [] : [fade])].flatMap(({ tensors }) =>
    tensors.flatMap(({ name, kind }) => (kind === 'unchanged' ? [] : [name])),
  );
  const shared = await readTensors(await pack.source(manifest.shared.file), model.parameters);
  const read = (name: string) => shared.get(name) ?? unknownParameter(name);
  const graph = emitOpenTwinGraph(model.architecture, model.config, read, new Set(changed));
  const { openings } = graph;
  const tables = new Set(openings.flatMap(({ kind, name }) => (kind === 'table' ? [name] : [])));
  const store = createExpertStore(async (name) => {
    const entry = expertOf(manifest, name);
    return arrangeModules((await loadExpert(await pack.source(entry.file), entry, model.width)).modules, tables);
  }, expertBytes);
  const fadeModules = fade && (await readModules(await openModules(await pack.source(fade.file), fade), fade));
  const encoder = createTwinEncoder({
    session: await createNodeSession(graph.model, options),
    openings,
    experts,
    store,
    fade: fadeModules && arrangeModules(fadeModules, tables),
    ranks: entries.map(({ tensors }) => {
      const ranks = new Map(tensors.map((tensor) => [tensor.name, tensor.kind === 'factored' ? tensor.rank : 0]));
      return meanRank(openings, (name) => ranks.get(name) ?? 0);
    }),
    cost: createCostModel(priorCost(openings)),
    now: () => performance.now(),
  });
  // With room for all there is no reason to wait for the first row that wants one, and the pack may be closed.
  if (expertBytes === Infinity) for (const name of experts) await store.get(name);
  return encoder;
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
  // A start costs about as much as eight tokens, thin products run at two thirds of the speed of square ones, and copies move a number where products do 20.
  return { start: 8 * msOf(plain), token: msOf(plain), tokenRank: 1.5 * msOf(column), rank: 20 * msOf(column) };
}

function unknownParameter(name: string): never {
  throw new TwinrouteError('internal', `pack encoder: expected a parameter of the architecture, got ${name}`);
}

/** Weights merged for each mix. */
const merged: CreatePackEncoder = async (pack, experts, { cacheBytes = 1 << 30, expertBytes: _, ...options }) => {
  const { model, merge } = await packOpenGraph(pack, experts);
  const session = createMergedSession({ session: await createNodeSession(model, options), merge, cacheBytes });
  return {
    run(rows) {
      const mix = new Float32Array(rows.length * experts.length);
      for (const [i, row] of rows.entries()) mix.set(row.mix, i * experts.length);
      return encode(session, rows, { mix: floatTensor([rows.length, experts.length], mix) });
    },
    release: () => session.release(),
  };
};

/** The graph's own gates mix, so that there is no mix to feed. */
const gated: CreatePackEncoder = async (pack, _, { cacheBytes: _c, expertBytes: _e, ...options }) => {
  const session = await createNodeSession(await packGraph(pack, []), options);
  return { run: (rows) => encode(session, rows, {}), release: () => session.release() };
};

async function encode(session: Session, rows: Parameters<Encoder['run']>[0], more: Parameters<Session['run']>[0]): Promise<EncodedRows> {
  const { pooled, features, gates } = await session.run({ ...encoderFeeds(rows), ...more });
  const [b] = [rows.length];
  return {
    pooled: expectFloat(pooled, [b, pooled?.shape[1] ?? 0], 'pooled'),
    features: expectFloat(features, [b, features?.shape[1] ?? 0], 'features'),
    gates: gates && expectFloat(gates, gates.shape, 'gates'),
  };
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
