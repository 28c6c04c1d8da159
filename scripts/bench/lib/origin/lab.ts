// Everything whose throughput is compared, open at the same time: a plain merged model, the origin with several packs, and peers.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../../src/cli/package-root.ts';
import { withPacks } from '../../../../src/cli/open-pack-folder.ts';
import { once } from '../../../../src/core/once.ts';
import { createRandom } from '../../../../src/core/random.ts';
import type { Pack } from '../../../../src/formats/pack.ts';
import type { DeviceChoice } from '../../../../src/host/devices/select-device.ts';
import { startSessionThread, type SessionThread } from '../../../../src/host/session-thread.ts';
import { encoderFeeds, type TokenRow } from '../../../../src/model/encoder-feeds.ts';
import { loadPredictor } from '../../../../src/origin/load-pack.ts';
import { releaseAll, type Session } from '../../../../src/model/session.ts';
import type { Predictor, PredictorRow } from '../../../../src/origin/predictor.ts';
import { arithmeticLimit } from './arithmetic-limit.ts';
import { closedLoop } from './closed-loop.ts';
import { always, anyTwo, inTurn, uniform, zipf, type DrawMix } from './mixes.ts';
import { labPack } from './packs.ts';
import { startPeer, type PeerProcess, type PeerRow } from './peer-process.ts';
import { writePlainModels } from './plain-models.ts';
import { plainRunner } from './plain-runner.ts';
import { randomPack } from './random-pack.ts';
import type { Subject } from './subject.ts';

/** How the lab is set up. */
export interface LabOptions {
  readonly threads: number;
  /** Runs side by side, so many threads each. */
  readonly instances: number;
  /** What our packs and the plain model run on, in f32; peers have the CPU. */
  readonly device: DeviceChoice;
  /** Rows in flight at once. */
  readonly inFlight: number;
  /** An interpreter with torch and peft; without it that peer is left out. */
  readonly python: string | undefined;
  /** A folder for plain models. */
  readonly folder: string;
  /** Only subjects whose keys have one of these in them, and the plain model. */
  readonly only: readonly string[];
}

/** An open lab. */
export interface Lab {
  /** The plain model first. */
  readonly subjects: readonly Subject[];
  /** Turns texts into rows. */
  readonly tokenizer: Pick<Predictor, 'encode'>;
}

/** A subject that is not open yet. */
interface Plan extends Omit<Subject, 'measure'> {
  open(): Promise<Subject['measure']>;
}

/** Weights of their own for hot mixes, as `twinroute origin` has it by default. */
export const PROMOTED_BYTES = 128 << 20;
/** Room for the weights of each of the sample pack's eight experts. */
const ALL_PROMOTED_BYTES = 360 << 20;
/** What mixes become hot by before the clock starts: runs of so many rows of so many tokens, and as many of them for a mix at most. */
const HEAT = { rows: 32, tokens: 128, runs: 40 };
/** Ranks of random experts: what the smallest pack has on average, and the paper's. */
const RANDOM_RANKS = [6, 16];

/** Opens the lab while `use` works; only what the wanted subjects need. */
export async function withLab<T>(options: LabOptions, use: (lab: Lab) => Promise<T>): Promise<T> {
  const closers: (() => Promise<void>)[] = [];
  const paths = [await labPack('sample'), await labPack('smallest'), await labPack('rank-16')];
  return withPacks(paths, async ([sample, smallest, rank16]) => {
    const sessionThreads = Array.from({ length: options.instances }, startSessionThread);
    for (const thread of sessionThreads) closers.push(() => thread.close());
    try {
      const packs = { sample, smallest, rank16 };
      const { plans, tokenizer } = planSubjects(packs, sessionThreads, options, closers);
      const subjects: Subject[] = [];
      for (const { open, ...subject } of plans)
        if (subject.key === 'plain' || options.only.some((part) => subject.key.includes(part)))
          subjects.push({ ...subject, measure: await open() });
      return await use({ subjects, tokenizer: await tokenizer() });
    } finally {
      for (const close of closers.reverse()) await close();
    }
  });
}

function planSubjects(
  { sample, smallest, rank16 }: Readonly<Record<'sample' | 'smallest' | 'rank16', Pack>>,
  sessionThreads: readonly SessionThread[],
  { threads, instances, device, inFlight, python, folder }: LabOptions,
  closers: (() => Promise<void>)[],
): { readonly plans: readonly Plan[]; tokenizer(): Promise<Predictor> } {
  const predictorOf = (pack: Pack, promotedBytes = PROMOTED_BYTES): (() => Promise<Predictor>) =>
    once(async () => {
      console.error(`— opening ${pack.manifest.name}`);
      const predictor = await loadPredictor(pack, undefined, { threads, device, instances: sessionThreads, promotedBytes });
      closers.push(() => predictor.release());
      if (promotedBytes === ALL_PROMOTED_BYTES) await heat(predictor, pack.manifest.experts.length);
      return predictor;
    });
  const peerOf = (command: string, args: () => Promise<readonly string[]>): (() => Promise<PeerProcess>) =>
    once(async () => {
      console.error(`— opening ${command}`);
      const peer = await startPeer(command, await args());
      closers.push(() => peer.close());
      return peer;
    });
  const ours = (
    key: string,
    name: string,
    predictor: () => Promise<Predictor>,
    draw: DrawMix,
    figures: Pick<Subject, 'target' | 'limit'> = {},
  ): Plan => ({
    key,
    name,
    ...figures,
    async open() {
      const opened = await predictor();
      return (rows, seed) => {
        const random = createRandom(seed, 'mixes');
        const mixed = rows.map((row, i): PredictorRow => ({ ...row, mix: draw(i, random) }));
        return closedLoop([opened], mixed, inFlight);
      };
    },
  });
  const peer = (key: string, name: string, process: () => Promise<PeerProcess>, way?: string): Plan => ({
    key,
    name,
    async open() {
      const opened = await process();
      return (rows) => {
        const own = rows.map((row, i) => peerRow(row, i % eight));
        return opened.measure({ rows: own, inFlight, ...(way !== undefined && { way }) });
      };
    },
  });

  const cores = instances * threads;
  const eight = sample.manifest.experts.length;
  const files = once(() => writePlainModels(sample, folder));
  const served = predictorOf(sample);
  const promoted = predictorOf(sample, ALL_PROMOTED_BYTES);
  const factored = predictorOf(sample, 0);
  const small = predictorOf(smallest);
  const flat = predictorOf(rank16);
  const sessions = peerOf(process.execPath, async () => [
    ...process.execArgv,
    join(import.meta.dirname, 'separate-sessions.ts'),
    String(cores),
    ...(await files()),
  ]);
  const torch = peerOf(python ?? '', () =>
    Promise.resolve([
      join(PACKAGE_ROOT, 'scripts/peers/peft_mixed.py'),
      String(cores),
      join(PACKAGE_ROOT, 'experts/base'),
      ...sample.manifest.experts.map(({ name }) => join(PACKAGE_ROOT, 'experts', name)),
    ]),
  );
  const plainOn = (key: string, name: string, on: readonly SessionThread[], threadsOfEach: number): Plan => ({
    key,
    name,
    async open() {
      const model = readFileSync((await files())[0]);
      const sessions: Session[] = [];
      for (const thread of on) sessions.push(await thread.create(model, { threads: threadsOfEach, device: device.name }));
      closers.push(() => releaseAll(sessions));
      const runner = plainRunner<TokenRow>((rows, instance) => sessions[instance].run(encoderFeeds(rows)), sessions.length);
      return (rows) => closedLoop([runner], rows, inFlight);
    },
  });
  return {
    tokenizer: served,
    plans: [
      plainOn('plain', 'one plain merged model, padded', sessionThreads, threads),
      ...(instances === 1 ? [] : [plainOn('one-plain', 'the same, one run at a time with all threads', sessionThreads.slice(0, 1), cores)]),
      ours('one-mix', 'the same model as the origin runs it: one mix for all', served, always(eight, 0)),
      ours('top-1', 'sample pack, 8 experts, every request another', served, inTurn(eight), {
        target: 0.95,
        limit: arithmeticLimit(sample, 1),
      }),
      ours('top-1-promoted', 'the same with room for weights of each expert’s own (--promote-mb 360)', promoted, inTurn(eight), {
        target: 0.95,
      }),
      ours('top-1-factored', 'the same, no mix with weights of its own', factored, inTurn(eight), { limit: arithmeticLimit(sample, 1) }),
      ours('smallest-top-1', 'smallest pack that keeps 99 %, every request another expert', small, inTurn(eight), {
        target: 0.95,
        limit: arithmeticLimit(smallest, 1),
      }),
      ours('smallest-pairs', 'smallest pack that keeps 99 %, two experts a request, no two alike', small, anyTwo(eight), {
        target: 0.85,
        limit: arithmeticLimit(smallest, 2),
      }),
      ours('rank-16-pairs', 'rank 16, two experts a request, no two alike', flat, anyTwo(eight), {
        target: 0.8,
        limit: arithmeticLimit(rank16, 2),
      }),
      ...RANDOM_RANKS.flatMap((rank): Plan[] => {
        const eightRandom = randomPack(rank16, 8, rank);
        const limit = arithmeticLimit(eightRandom, 1);
        const few = predictorOf(eightRandom);
        const many = predictorOf(randomPack(rank16, 100, rank));
        return [
          ours(`random-8-${rank}`, `8 random experts of rank ${rank}, uniform`, few, uniform(8), { limit }),
          ours(`random-100-${rank}`, `100 random experts of rank ${rank}, uniform`, many, uniform(100), { target: 0.8, limit }),
          ours(`zipf-100-${rank}`, `100 random experts of rank ${rank}, Zipf`, many, zipf(100), { target: 0.9, limit }),
        ];
      }),
      peer('sessions-spinning', 'eight onnxruntime sessions side by side, as they come', sessions, 'spinning'),
      peer('sessions-waiting', 'eight sessions side by side, threads wait without spinning', sessions, 'waiting'),
      peer('sessions-single', 'eight sessions side by side, one thread each', sessions, 'single'),
      peer('sessions-in-turn', 'eight sessions, one at a time', sessions, 'in turn'),
      ...(python === undefined
        ? []
        : [
            peer('peft', 'PEFT in torch, mixed-adapter batches (`adapter_names`)', torch),
            peer('torch', 'the base alone in torch', torch, 'plain'),
          ]),
    ],
  };
}

/** Asks for one expert after another until each has weights of its own, or there is no room for more: what traffic of some minutes does. */
async function heat(predictor: Predictor, experts: number): Promise<void> {
  const held = (): number => predictor.promotions?.().held ?? 0;
  for (let e = 0; e < experts; e++) {
    const row: PredictorRow = {
      ids: new Int32Array(HEAT.tokens).fill(1),
      types: new Int32Array(HEAT.tokens),
      mix: Float32Array.from({ length: experts }, (_, i) => (i === e ? 1 : 0)),
    };
    for (let i = 0; i < HEAT.runs && held() <= e && predictor.promotions !== undefined; i++)
      await predictor.run(Array.from({ length: HEAT.rows }, () => row));
    if (held() <= e) return;
  }
}

function peerRow({ ids, types }: TokenRow, expert: number): PeerRow {
  return { ids: [...ids], types: [...types], expert };
}
