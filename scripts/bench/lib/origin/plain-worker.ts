// A thread with plain sessions, run one after another.

import { parentPort, workerData } from 'node:worker_threads';
import '../../../../src/host/no-telemetry.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encoderFeeds, type TokenRow } from '../../../../src/model/encoder-feeds.ts';

/** What the thread is given. */
export interface PlainWorkerData {
  readonly files: readonly string[];
  readonly threads: number;
  /** Whether idle threads of an operator wait by spinning, as is onnxruntime's way. */
  readonly spins: boolean;
}

/** What it is asked. */
export interface PlainWorkerTask {
  readonly id: number;
  /** Index of the file. */
  readonly session: number;
  readonly rows: readonly TokenRow[];
}

const { files, threads, spins }: PlainWorkerData = workerData;
const sessions: InferenceSession[] = [];
for (const file of files)
  sessions.push(
    await InferenceSession.create(file, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: threads,
      ...(!spins && { extra: { session: { intra_op: { allow_spinning: '0' } } } }),
    }),
  );

parentPort?.on('message', ({ id, session, rows }: PlainWorkerTask) => {
  const feeds = Object.fromEntries(
    Object.entries(encoderFeeds(rows)).flatMap(([name, { data, shape }]) =>
      data instanceof BigInt64Array ? [[name, new Tensor('int64', data, shape)]] : [],
    ),
  );
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  void sessions[session].run(feeds).then(() => parentPort?.postMessage(id));
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.postMessage(-1);
