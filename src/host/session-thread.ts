// Sessions on a thread of their own: onnxruntime-node holds up whichever thread it runs on, and this one has requests to read, texts to tokenise and
// probes to answer meanwhile.

import './no-telemetry.ts';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { TwinrouteError } from '../core/errors.ts';
import { parseWith } from '../contract/parse.ts';
import type { Session } from '../model/session.ts';
import type { NodeSessionOptions } from './ort-session.ts';
import { SessionAnswer, type SessionTask } from './session-messages.ts';

/** A thread with sessions. */
export interface SessionThread {
  /**
   * A session as `createNodeSession` makes it, over there. Feeds are copied, but for those on shared memory (`sharedFloats`).
   * @throws {TwinrouteError} as `createNodeSession`; `internal` when the thread has ended
   */
  create(model: Uint8Array, options: NodeSessionOptions): Promise<Session>;
  /** Ends the thread with everything in it. */
  close(): Promise<void>;
}

interface Pending {
  readonly resolve: (answer: SessionAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts the thread. */
export function startSessionThread(): SessionThread {
  // The ending of this very file: .ts in a checkout, .js in the package.
  const worker = new Worker(new URL(`session-worker${extname(import.meta.filename)}`, import.meta.url));
  const pending = new Map<number, Pending>();
  let asked = 0;
  let ended: TwinrouteError | undefined;

  const end = (error: TwinrouteError): void => {
    ended ??= error;
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
  };
  worker.on('message', (message: unknown) => {
    const answer = parseWith(SessionAnswer, message, 'session thread', 'internal');
    const waiting = pending.get(answer.id);
    pending.delete(answer.id);
    if ('failed' in answer) waiting?.reject(new TwinrouteError(answer.failed.code, answer.failed.message));
    else waiting?.resolve(answer);
  });
  worker.on('error', (cause) => end(new TwinrouteError('internal', 'session thread: expected it to go on, got an error', { cause })));
  worker.on('exit', () => end(new TwinrouteError('internal', 'session thread: expected it to go on, got its end')));

  const ask = (task: SessionTask): Promise<SessionAnswer> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) {
        reject(ended);
        return;
      }
      const id = ++asked;
      pending.set(id, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
      worker.postMessage({ id, task });
    });

  return {
    async create(model, options) {
      const answer = await ask({ kind: 'create', model, options });
      if (!('created' in answer)) throw new TwinrouteError('internal', 'session thread: expected a session');
      const session = answer.created;
      return {
        async run(feeds) {
          const done = await ask({ kind: 'run', session, feeds });
          if ('outputs' in done) return { ...done.outputs };
          throw new TwinrouteError('internal', 'session thread: expected outputs');
        },
        async release() {
          await ask({ kind: 'release', session });
        },
      };
    },
    async close() {
      await worker.terminate();
    },
  };
}
