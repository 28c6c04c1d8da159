// Every way in which an origin serves a pack, and how far its answers are from the dense merge of the pack's weights, `W_s + Σ w·U·V` summed in f64, which
// each row runs through by itself. What a pack's factors stand for is the same to all ways, so that only arithmetic differs.

import type { Random } from '../../src/core/random.ts';
import { openPack, type Pack } from '../../src/formats/pack.ts';
import { createSha256, openFolder } from '../../src/host/files.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { packedFeeds } from '../../src/model/packed-feeds.ts';
import type { CreateSession } from '../../src/model/session.ts';
import { encodeRows } from '../../src/origin/encode-rows.ts';
import type { EncodedRows, Encoder } from '../../src/origin/encoder.ts';
import { createPackEncoder } from '../../src/origin/pack-encoder.ts';
import type { PredictorRow } from '../../src/origin/predictor.ts';
import { openTwinPack } from '../../src/origin/twin-pack.ts';
import { createDenseReference, type DenseReference } from './dense-reference.ts';
import { maxDifference } from './max-difference.ts';

/** Of what heads read, and of what the origin's router reads; both are of order 1. */
const EXACT = 1e-5;
/** In half precision: 11 bits in every product and sum of six layers. */
const HALF = 1e-2;
/** Tiny packs normalise over 16 numbers, where a difference weighs more. */
const HALF_OF_TINY = 0.05;

const createSession: CreateSession = (model) => createNodeSession(model, { threads: 1 });

/** A way to serve a pack. */
interface Way {
  readonly name: string;
  /** Of a difference: for a trained encoder, and for a tiny random one. */
  readonly bound: number;
  readonly tinyBound: number;
  open(pack: Pack, experts: readonly string[]): Promise<Pick<Encoder, 'run' | 'release'>>;
}

const exact = { bound: EXACT, tinyBound: EXACT };
/** All of them. */
export const WAYS: readonly Way[] = [
  { name: 'factored', ...exact, open: (pack, experts) => createPackEncoder(pack, experts, { instances: [createSession] }) },
  // Room for no expert: each is read again for every run that mixes it.
  { name: 'paged', ...exact, open: (pack, experts) => createPackEncoder(pack, experts, { instances: [createSession], expertBytes: 1 }) },
  { name: 'promoted', ...exact, open: openPromoted },
  {
    name: 'half precision',
    bound: HALF,
    tinyBound: HALF_OF_TINY,
    open: (pack, experts) => createPackEncoder(pack, experts, { instances: [createSession], form: { precision: 'fp16' } }),
  },
];

/** Every mix on weights of its own, merged as a hot one is. */
async function openPromoted(pack: Pack, experts: readonly string[]): Promise<Pick<Encoder, 'run' | 'release'>> {
  const twin = await openTwinPack(pack, experts, Infinity);
  const sessions = new Map<string, Awaited<ReturnType<CreateSession>>>();
  const run = async (row: PredictorRow): Promise<EncodedRows> => {
    const key = row.mix.join(' ');
    const session = sessions.get(key) ?? (await createSession(await twin.mergeMix(row.mix)));
    sessions.set(key, session);
    return encodeRows(session, 1, { ...packedFeeds([row]), ...twin.graph.fed });
  };
  return {
    async run(rows) {
      const parts: EncodedRows[] = [];
      for (const row of rows) parts.push(await run(row));
      const stack = (read: (part: EncodedRows) => EncodedRows['pooled']) => ({
        ...read(parts[0]),
        shape: [parts.length, read(parts[0]).shape[1]],
        data: Float32Array.from(parts.flatMap((part) => [...read(part).data])),
      });
      return { pooled: stack(({ pooled }) => pooled), features: stack(({ features }) => features) };
    },
    async release() {
      for (const session of sessions.values()) await session.release();
    },
  };
}

/** A pack served in every way. */
export interface Served {
  readonly pack: Pack;
  readonly experts: readonly string[];
  /** In the order of `WAYS`. */
  readonly encoders: readonly Pick<Encoder, 'run' | 'release'>[];
  readonly reference: DenseReference;
  close(): Promise<void>;
}

/** Opens the pack at `path`. */
export async function serveInEveryWay(path: string): Promise<Served> {
  const folder = await openFolder(path);
  const pack = await openPack(folder, createSha256);
  const experts = pack.manifest.experts.map(({ name }) => name);
  const reference = await createDenseReference(pack, experts, createSession);
  const encoders: Served['encoders'][number][] = [];
  for (const way of WAYS) encoders.push(await way.open(pack, experts));
  return {
    pack,
    experts,
    encoders,
    reference,
    async close() {
      for (const encoder of encoders) await encoder.release();
      await reference.release();
      await folder.close();
    },
  };
}

/** Rows of unlike lengths with mixes of every kind: none, one expert, two by halves and by odd numbers, a part, all. */
export function randomRows({ pack, experts }: Served, random: Random, count: number, longest: number): readonly PredictorRow[] {
  const vocabulary = Number(pack.manifest.architecture.config['vocab_size']);
  return Array.from({ length: count }, (_, i) => {
    const tokens = 1 + random.below(longest);
    const [one, other] = [random.below(experts.length), random.below(experts.length)];
    const odd = random.uniform();
    const mix = new Float32Array(experts.length);
    const kinds: readonly (() => void)[] = [
      () => undefined,
      () => void (mix[one] = 1),
      () => [one, other].forEach((e) => (mix[e] += 0.5)),
      () => [odd, 1 - odd].forEach((weight, k) => (mix[k === 0 ? one : other] += weight)),
      () => void (mix[one] = 0.37),
      () => void mix.fill(1 / experts.length),
    ];
    kinds[i % kinds.length]();
    return {
      ids: Int32Array.from({ length: tokens }, () => random.below(vocabulary)),
      types: Int32Array.from({ length: tokens }, (__, t) => (t > tokens / 2 ? 1 : 0)),
      mix,
    };
  });
}

/** Runs rows in one batch in each way; the worst differences of what heads and routers read, in the order of `WAYS`. */
export async function differences({ encoders, reference }: Served, rows: readonly PredictorRow[]): Promise<readonly number[]> {
  const wanted = [];
  for (const row of rows) wanted.push(await reference.run(row));
  const found: number[] = [];
  for (const encoder of encoders) {
    const { pooled, features } = await encoder.run(rows);
    const off = wanted.map((one, i) => {
      const width = one.pooled.length;
      const part = ({ data }: { readonly data: Float32Array }): Float32Array => data.subarray(i * width, (i + 1) * width);
      return Math.max(maxDifference(part(pooled), one.pooled), maxDifference(part(features), one.features));
    });
    found.push(Math.max(...off));
  }
  return found;
}
