// The thread of hash-thread.ts: takes paths, answers hashes. Reads synchronously, since it has nothing else to do.

import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../core/errors.ts';

const buffer = new Uint8Array(4 << 20);

parentPort?.on('message', (path: string) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort?.postMessage(answer(path));
});

function answer(path: string): { sha256: string } | { error: string } {
  try {
    return { sha256: hashFile(path) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function hashFile(path: string): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const length = readSync(file, buffer);
      if (length === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}
