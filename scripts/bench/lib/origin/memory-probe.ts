// What models take in memory, in a process of its own (`node --expose-gc`) that prints resident bytes as JSON:
//
//   memory-probe.ts sessions THREADS INSTANCES FILE…     plain sessions, one more after another
//   memory-probe.ts origin THREADS INSTANCES PACK        a pack as it is served, after runs of every expert, none of them on weights of its own
//   memory-probe.ts experts THREADS INSTANCES PACK N R   N random experts of rank R over the pack's shared model, none of them in memory and then all

import { setTimeout as sleep } from 'node:timers/promises';
import { withPack } from '../../../../src/cli/open-pack-folder.ts';
import { createNodeSession } from '../../../../src/host/ort-session.ts';
import { startSessionThread, type SessionThread } from '../../../../src/host/session-thread.ts';
import { encoderFeeds, type TokenRow } from '../../../../src/model/encoder-feeds.ts';
import { loadPredictor } from '../../../../src/origin/load-pack.ts';
import type { Session } from '../../../../src/model/session.ts';
import type { Predictor } from '../../../../src/origin/predictor.ts';
import { readFile } from 'node:fs/promises';
import { factorBytes, randomPack } from './random-pack.ts';

/** What the probe prints. */
export interface MemoryProbe {
  /** Resident bytes at moments that the mode defines. */
  readonly rss: readonly number[];
  /** Bytes of all factors in f32, where that is what is compared. */
  readonly factorBytes?: number;
}

const [mode, threadsText, instancesText, ...rest] = process.argv.slice(2);
const threads = Number(threadsText);
/** A batch as large as they come. */
const ROWS: readonly TokenRow[] = Array.from({ length: 32 }, (_, i) => ({
  ids: Int32Array.from({ length: 32 }, (__, t) => 1000 + i + t),
  types: new Int32Array(32),
}));

/** As an origin has them. */
function startInstances(): readonly SessionThread[] {
  return Array.from({ length: Number(instancesText) }, startSessionThread);
}

async function residentBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await sleep(100);
  }
  return process.memoryUsage.rss();
}

const mixOf = ({ experts }: Predictor, own: number | undefined): Float32Array => Float32Array.from(experts, (_, e) => (e === own ? 1 : 0));

async function runAll(predictor: Predictor, experts: readonly (number | undefined)[]): Promise<void> {
  for (const own of experts) {
    const mix = mixOf(predictor, own);
    await predictor.prepare?.(mix);
    for (let instance = 0; instance < (predictor.instances ?? 1); instance++)
      await predictor.run(
        ROWS.map((row) => ({ ...row, mix })),
        instance,
      );
  }
}

async function probeSessions(files: readonly string[]): Promise<MemoryProbe> {
  const rss = [await residentBytes()];
  const sessions: Session[] = [];
  for (const file of files) {
    const session = await createNodeSession(await readFile(file), { threads });
    await session.run(encoderFeeds(ROWS));
    // Held, or the collector would take it.
    sessions.push(session);
    rss.push(await residentBytes());
  }
  for (const session of sessions) await session.run(encoderFeeds(ROWS));
  return { rss };
}

function probeOrigin(path: string): Promise<MemoryProbe> {
  return withPack(path, async (pack) => {
    const rss = [await residentBytes()];
    const predictor = await loadPredictor(pack, undefined, { threads, instances: startInstances() });
    await runAll(predictor, [...predictor.experts.keys()]);
    rss.push(await residentBytes());
    await predictor.release();
    return { rss };
  });
}

function probeExperts(path: string, count: number, rank: number): Promise<MemoryProbe> {
  return withPack(path, async (like) => {
    const pack = randomPack(like, count, rank);
    const bytes = factorBytes(pack);
    // Room for all, but loaded when they are asked for.
    const predictor = await loadPredictor(pack, undefined, {
      threads,
      instances: startInstances(),
      expertBytes: 2 * bytes,
      promotedBytes: 0,
    });
    await runAll(predictor, [undefined, undefined]);
    const rss = [await residentBytes()];
    await runAll(predictor, [...predictor.experts.keys()]);
    rss.push(await residentBytes());
    await predictor.release();
    return { rss, factorBytes: bytes };
  });
}

const PROBES: Readonly<Record<string, () => Promise<MemoryProbe>>> = {
  sessions: () => probeSessions(rest),
  origin: () => probeOrigin(rest[0]),
  experts: () => probeExperts(rest[0], Number(rest[1]), Number(rest[2])),
};
console.log(JSON.stringify(await PROBES[mode]()));
process.exit(0);
