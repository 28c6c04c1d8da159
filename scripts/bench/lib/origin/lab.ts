// Everything whose throughput is compared, open at the same time: a plain merged model, the origin with several packs, and peers.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../../src/cli/package-root.ts';
import { withPacks } from '../../../../src/cli/open-pack-folder.ts';
import { createRandom } from '../../../../src/core/random.ts';
import type { Pack } from '../../../../src/formats/pack.ts';
import { startSessionThread, type SessionThread } from '../../../../src/host/session-thread.ts';
import { encoderFeeds, type TokenRow } from '../../../../src/model/encoder-feeds.ts';
import { loadPredictor } from '../../../../src/origin/load-pack.ts';
import type { Predictor, PredictorRow } from '../../../../src/origin/predictor.ts';
import { closedLoop } from './closed-loop.ts';
import { always, anyTwo, inTurn, uniform, zipf, type DrawMix } from './mixes.ts';
import { labPack } from './packs.ts';
import { startPeer, type PeerRow, type PeerTask } from './peer-process.ts';
import { writePlainModels } from './plain-models.ts';
import { plainRunner } from './plain-runner.ts';
import { randomPack } from './random-pack.ts';
import type { Subject } from './subject.ts';

/** How the lab is set up. */
export interface LabOptions {
  readonly threads: number;
  /** Rows in flight at once. */
  readonly inFlight: number;
  /** An interpreter with torch and peft; without it that peer is left out. */
  readonly python: string | undefined;
  /** A folder for plain models. */
  readonly folder: string;
}

/** An open lab. */
export interface Lab {
  /** The plain model first. */
  readonly subjects: readonly Subject[];
  /** Turns texts into rows. */
  readonly tokenizer: Pick<Predictor, 'encode'>;
}

/** Weights of their own for hot mixes, as `twinroute origin` has it by default. */
export const PROMOTED_BYTES = 128 << 20;
/** Ranks of random experts: what the smallest pack has on average, and the paper's. */
const RANDOM_RANKS = [6, 16];

/** Opens the lab while `use` works. */
export async function withLab<T>(options: LabOptions, use: (lab: Lab) => Promise<T>): Promise<T> {
  const thread = startSessionThread();
  const closers: (() => Promise<void>)[] = [() => thread.close()];
  try {
    return await withPacks([await labPack('sample'), await labPack('smallest'), await labPack('rank-16')], async (packs) => {
      const opened = await openSubjects(packs, thread, options, closers);
      try {
        return await use(opened);
      } finally {
        for (const close of closers.splice(1).reverse()) await close();
      }
    });
  } finally {
    for (const close of closers) await close();
  }
}

async function openSubjects(
  [sample, smallest, rank16]: readonly Pack[],
  thread: SessionThread,
  { threads, inFlight, python, folder }: LabOptions,
  closers: (() => Promise<void>)[],
): Promise<Lab> {
  const open = async (pack: Pack, promotedBytes = PROMOTED_BYTES): Promise<Predictor> => {
    console.error(`— opening ${pack.name}`);
    const predictor = await loadPredictor(pack, undefined, { threads, thread, promotedBytes });
    closers.push(() => predictor.release());
    return predictor;
  };
  const ours = (key: string, name: string, predictor: Predictor, draw: DrawMix, target?: number): Subject => ({
    key,
    name,
    ...(target !== undefined && { target }),
    measure(rows, seed) {
      const random = createRandom(seed, 'mixes');
      return closedLoop<PredictorRow>(
        [predictor],
        rows.map((row, i) => ({ ...row, mix: draw(i, random) })),
        inFlight,
      );
    },
  });

  const files = await writePlainModels(sample, folder);
  const plain = await thread.create(readFileSync(files[0]), { threads });
  closers.push(() => plain.release());
  const plainModel = plainRunner<TokenRow>((rows) => plain.run(encoderFeeds(rows)));
  const served = await open(sample);
  const factored = await open(sample, 0);
  const small = await open(smallest);
  const flat = await open(rank16);
  const eight = served.experts.length;
  const subjects: Subject[] = [
    { key: 'plain', name: 'one plain merged model, padded', measure: (rows) => closedLoop([plainModel], rows, inFlight) },
    ours('one-mix', 'the same model as the origin runs it: one mix for all', served, always(eight, 0)),
    ours('top-1', 'sample pack, 8 experts, every request another', served, inTurn(eight), 0.95),
    ours('top-1-factored', 'the same, no mix with weights of its own', factored, inTurn(eight)),
    ours('smallest-top-1', 'smallest pack that keeps 99 %, every request another expert', small, inTurn(eight), 0.95),
    ours('smallest-pairs', 'smallest pack that keeps 99 %, two experts a request, no two alike', small, anyTwo(eight), 0.85),
    ours('rank-16-pairs', 'rank 16, two experts a request, no two alike', flat, anyTwo(eight), 0.8),
  ];
  for (const rank of RANDOM_RANKS) {
    const few = await open(randomPack(rank16, 8, rank));
    const many = await open(randomPack(rank16, 100, rank));
    subjects.push(
      ours(`random-8-${rank}`, `8 random experts of rank ${rank}, uniform`, few, uniform(8)),
      ours(`random-100-${rank}`, `100 random experts of rank ${rank}, uniform`, many, uniform(100), 0.8),
      ours(`zipf-100-${rank}`, `100 random experts of rank ${rank}, Zipf`, many, zipf(100), 0.9),
    );
  }
  const sessions = await startPeer(process.execPath, [
    ...process.execArgv,
    join(import.meta.dirname, 'separate-sessions.ts'),
    String(threads),
    ...files,
  ]);
  closers.push(() => sessions.close());
  const peer = (key: string, name: string, process: typeof sessions, way?: string): Subject => ({
    key,
    name,
    measure(rows) {
      const task: PeerTask = { rows: rows.map((row, i) => peerRow(row, i % eight)), inFlight, ...(way !== undefined && { way }) };
      return process.measure(task);
    },
  });
  subjects.push(
    peer('sessions-spinning', 'eight onnxruntime sessions side by side, as they come', sessions, 'spinning'),
    peer('sessions-waiting', 'eight sessions side by side, threads wait without spinning', sessions, 'waiting'),
    peer('sessions-in-turn', 'eight sessions, one at a time', sessions, 'in turn'),
  );
  if (python !== undefined) {
    console.error('— opening PEFT in torch');
    const adapters = sample.manifest.experts.map(({ name }) => join(PACKAGE_ROOT, 'experts', name));
    const torch = await startPeer(python, [
      join(PACKAGE_ROOT, 'scripts/peers/peft_mixed.py'),
      String(threads),
      join(PACKAGE_ROOT, 'experts/base'),
      ...adapters,
    ]);
    closers.push(() => torch.close());
    subjects.push(
      peer('peft', 'PEFT in torch, mixed-adapter batches (`adapter_names`)', torch),
      peer('torch', 'the base alone in torch', torch, 'plain'),
    );
  }
  return { subjects, tokenizer: served };
}

function peerRow({ ids, types }: TokenRow, expert: number): PeerRow {
  return { ids: [...ids], types: [...types], expert };
}
