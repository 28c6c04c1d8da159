// Hashes of files on a thread of their own, while this one computes.

import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as z from 'zod/mini';
import { TwinrouteError } from '../core/errors.ts';
import { parseWith } from '../contract/parse.ts';

/** A thread that hashes one file after another. */
export interface HashThread {
  /**
   * sha256 of a file as lower-case hex; ask for one at a time.
   * @throws {TwinrouteError} `not_found` when it cannot be read
   */
  hash(path: string): Promise<string>;
  close(): Promise<void>;
}

const Answer = z.union([z.strictObject({ sha256: z.string() }), z.strictObject({ error: z.string() })]);

/** Starts the thread. */
export function startHashThread(): HashThread {
  // The ending of this very file: .ts in a checkout, .js in the package.
  const worker = new Worker(new URL(`hash-worker${extname(import.meta.filename)}`, import.meta.url));
  return {
    async hash(path) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
      worker.postMessage(path);
      const [message]: unknown[] = await once(worker, 'message');
      const answer = parseWith(Answer, message, 'hash-worker', 'internal');
      if ('sha256' in answer) return answer.sha256;
      throw new TwinrouteError('not_found', `${path}: expected a readable file, got: ${answer.error}`);
    },
    async close() {
      await worker.terminate();
    },
  };
}
