// A lock that a process holds by a file: made only where there is none, so that of two processes one gets it. It tells who holds it; one whose
// holder is gone (killed, a power cut) is cleared away.

import { open, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as z from 'zod/mini';
import { parseJsonWith } from '../contract/parse.ts';
import { isTwinrouteError, TwinrouteError } from '../core/errors.ts';
import { readIfThere } from './read-if-there.ts';

/** Who holds a lock. */
const Holder = z.strictObject({ pid: z.int().check(z.minimum(1)), host: z.string(), since: z.string() });
type Holder = z.infer<typeof Holder>;

/** A lock that is held. */
export interface LockFile {
  /** Gives it up. */
  release(): Promise<void>;
}

/**
 * Takes the lock at `path`, whose folder exists.
 * @param what is locked, for messages
 * @param log is told when the lock of a process that is gone was cleared away
 * @throws {TwinrouteError} `unavailable` when another process holds it, or one on another machine, of which nobody here knows whether it runs
 */
export async function lockFile(path: string, what: string, log: (line: string) => void): Promise<LockFile> {
  for (;;) {
    if (await create(path)) return { release: () => rm(path, { force: true }) };
    const text = await readIfThere(path);
    if (text === undefined) continue; // given up since
    const holder = holderOf(text);
    if (holder === undefined || holder.host !== hostname() || isRunning(holder.pid)) throw heldBy(holder, path, what);
    if (await clear(path, text)) log(`${what}: took over from process ${holder.pid}, which is gone`);
  }
}

async function create(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
      await handle.writeFile(JSON.stringify(holder));
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Takes a stale lock away: by renaming, which only one process can do to one file.
 * @returns false when it was no longer the stale one
 */
async function clear(path: string, stale: string): Promise<boolean> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
  const isStale = (await readIfThere(aside)) === stale;
  if (isStale) await rm(aside);
  else await rename(aside, path); // another process was faster: the lock is its own
  return isStale;
}

/** undefined for a file that no process of ours has written whole. */
function holderOf(text: string): Holder | undefined {
  try {
    return parseJsonWith(Holder, text, 'lock', 'format');
  } catch (error) {
    if (isTwinrouteError(error)) return undefined;
    throw error;
  }
}

/** Whether a process of this machine runs; one of another user does, too. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function heldBy(holder: Holder | undefined, path: string, what: string): TwinrouteError {
  const who = holder === undefined ? 'someone' : `process ${holder.pid} on ${holder.host} since ${holder.since}`;
  return new TwinrouteError(
    'unavailable',
    `${what}: expected to be the only one there, got a lock of ${who}; if it does not run, remove ${path}`,
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
