// Writes a folder completely or not at all: everything goes into a sibling with a random name, is flushed to disk, and takes the final
// name by one rename. A crash leaves siblings that start with a dot at worst; one between the two renames of a replacement leaves the
// old folder in such a sibling.

import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { TwinrouteError } from '../core/errors.ts';

/** Where the files of a folder in the making go. */
export interface FolderWriter {
  /** Path of the unfinished folder, for what writes by path (a spool); what is left in it becomes part of the folder. */
  readonly path: string;
  /** Writes a file whole and flushes it; missing parent folders are made. @returns its size in bytes */
  write(file: string, chunks: Uint8Array | AsyncIterable<Uint8Array>): Promise<number>;
}

/**
 * Makes the folder `target` by running `fill`; a failure of `fill` leaves nothing behind and `target` as it was.
 * @param mayReplace whether an existing, non-empty folder is one that may be replaced, e.g. an older pack; never asked for an empty one
 * @returns what `fill` returned
 * @throws {TwinrouteError} `config` when `target` is a file or a folder that must not be replaced, before `fill` runs and again after it;
 * whatever `fill` throws
 */
export async function writeFolder<T>(
  target: string,
  mayReplace: (path: string) => Promise<boolean>,
  fill: (folder: FolderWriter) => Promise<T>,
): Promise<T> {
  const path = resolve(target);
  await expectReplaceable(path, mayReplace);
  const parent = dirname(path);
  await mkdir(parent, { recursive: true });
  const draft = join(parent, `.${basename(path)}.${randomUUID()}`);
  await mkdir(draft);
  try {
    const result = await fill({ path: draft, write: (file, chunks) => writeFile(join(draft, file), chunks) });
    await syncFolders(draft);
    // Asked again: the build took a while, and somebody else may have written there.
    await expectReplaceable(path, mayReplace);
    await swap(draft, path);
    await syncFolder(parent);
    return result;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

async function expectReplaceable(path: string, mayReplace: (path: string) => Promise<boolean>): Promise<void> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return;
  if (!facts.isDirectory()) throw new TwinrouteError('config', `${path}: expected a folder or nothing, got a file`);
  const isEmpty = (await readdir(path)).length === 0;
  if (!isEmpty && !(await mayReplace(path)))
    throw new TwinrouteError(
      'config',
      `${path}: expected an empty folder or one that twinroute made, got a folder with other content; choose another or remove it`,
    );
}

async function writeFile(path: string, chunks: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'wx');
  try {
    let sizeBytes = 0;
    for await (const chunk of chunks instanceof Uint8Array ? [chunks] : chunks) {
      for (let written = 0; written < chunk.length;) written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten;
      sizeBytes += chunk.length;
    }
    await handle.sync();
    return sizeBytes;
  } finally {
    await handle.close();
  }
}

/** Puts `draft` in the place of `path`. No folder can be renamed over a non-empty one: the old steps aside, and comes back on failure. */
async function swap(draft: string, path: string): Promise<void> {
  const aside = `${draft}.old`;
  const hadOld = await rename(path, aside).then(
    () => true,
    () => false,
  );
  try {
    await rename(draft, path);
  } catch (error) {
    if (hadOld) await rename(aside, path);
    throw error;
  }
  if (hadOld) await rm(aside, { recursive: true, force: true });
}

/** Flushes the entries of a folder and of the folders in it. */
async function syncFolders(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await syncFolders(join(path, entry.name));
  await syncFolder(path);
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows opens no folders and needs no flush of their entries
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
