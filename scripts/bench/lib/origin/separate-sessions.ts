// The peer "a session for each expert": plain merged models side by side in one process, each behind a batcher of its own. A program for
// `startPeer`, with the models' files as arguments. Ways to hold them:
//
//   spinning   a thread each, onnxruntime's thread pools as they come: idle ones spin
//   waiting    a thread each, idle pools wait without spinning
//   single     a thread each and no other
//   in turn    one thread for all, so that one session runs at a time

import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { once } from '../../../../src/core/once.ts';
import type { TokenRow } from '../../../../src/model/encoder-feeds.ts';
import { closedLoop, type Runner } from './closed-loop.ts';
import type { PeerTask } from './peer-process.ts';
import { plainRunner } from './plain-runner.ts';
import type { PlainWorkerData, PlainWorkerTask } from './plain-worker.ts';

const [threads, ...files] = process.argv.slice(2);

interface ExpertRow extends TokenRow {
  readonly expert: number;
}

/** A thread with the given sessions; each as something that runs batches. */
async function startThread(own: readonly string[], spins: boolean, pool = Number(threads)): Promise<readonly Runner<ExpertRow>[]> {
  const data: PlainWorkerData = { files: own, threads: pool, spins };
  const worker = new Worker(new URL('plain-worker.ts', import.meta.url), { workerData: data });
  const pending = new Map<number, () => void>();
  const ready = new Promise<void>((resolve) => pending.set(-1, resolve));
  worker.on('message', (id: number) => {
    pending.get(id)?.();
    pending.delete(id);
  });
  await ready;
  let asked = 0;
  return own.map((_, session) =>
    plainRunner(
      (rows) =>
        new Promise<void>((resolve) => {
          const id = asked++;
          pending.set(id, resolve);
          const task: PlainWorkerTask = { id, session, rows };
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
          worker.postMessage(task);
        }),
    ),
  );
}

async function sideBySide(spins: boolean, pool?: number): Promise<readonly Runner<ExpertRow>[]> {
  const runners: Runner<ExpertRow>[] = [];
  for (const file of files) runners.push(...(await startThread([file], spins, pool)));
  return runners;
}

/** Opened when they are asked for: threads that spin would take the cores from other subjects. */
const ways = new Map([
  ['spinning', once(() => sideBySide(true))],
  ['waiting', once(() => sideBySide(false))],
  ['single', once(() => sideBySide(false, 1))],
  ['in turn', once(() => startThread(files, true))],
]);

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { rows, inFlight, way = '' }: PeerTask = JSON.parse(line);
  const own = rows.map(({ ids, types, expert }): ExpertRow => ({ ids: Int32Array.from(ids), types: Int32Array.from(types), expert }));
  console.log(JSON.stringify(await closedLoop((await ways.get(way)?.()) ?? [], own, inFlight, ({ expert }) => expert)));
}
process.exit(0);
