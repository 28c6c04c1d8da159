// Folders and files of this machine as sources. Files open on first use and stay open until the folder is closed; names are relative and
// may not leave the folder, since they come from manifests and shard indices that strangers wrote.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { messageOf, TwinrouteError } from '../core/errors.ts';
import type { CreateHasher } from '../formats/hash.ts';
import type { ByteSource, FolderSource } from '../formats/source.ts';

/** Node reads at most 2³¹ − 1 bytes a call. */
const MAX_READ_BYTES = 1 << 30;

/** A folder whose open files can be closed. */
export interface HostFolder extends FolderSource {
  /** Closes every file that was opened; sources of this folder fail afterwards. */
  close(): Promise<void>;
}

/** Starts a sha256 of node:crypto. */
export const createSha256: CreateHasher = () => {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), hexDigest: () => hash.digest('hex') };
};

/**
 * The folder at `path`.
 * @throws {TwinrouteError} `not_found` when there is no folder; its `open` throws `format` for a name that leaves it
 */
export async function openFolder(path: string): Promise<HostFolder> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isDirectory() !== true)
    throw new TwinrouteError('not_found', `${path}: expected a folder, got ${facts === undefined ? 'nothing' : 'a file'}`);
  const opened = new Map<string, Promise<{ source: ByteSource; handle: FileHandle } | undefined>>();
  return {
    name: path,
    async open(file) {
      if (!isInside(file))
        throw new TwinrouteError('format', `${path}: expected the name of a file inside, got ${JSON.stringify(file.slice(0, 200))}`);
      const pending = opened.get(file) ?? openFile(join(path, file));
      opened.set(file, pending);
      return (await pending)?.source;
    },
    async list() {
      const entries = await readdir(path, { withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => entry.name)
        .sort();
    },
    async close() {
      const pending = [...opened.values()];
      opened.clear();
      for (const file of pending) await (await file.catch(() => undefined))?.handle.close();
    },
  };
}

/** Lower-case hex sha256 of a file, streamed. */
export async function sha256File(path: string): Promise<string> {
  const hasher = createSha256();
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hasher.update(chunk);
  return hasher.hexDigest();
}

function isInside(file: string): boolean {
  return file !== '' && !isAbsolute(file) && !/[\\\0]/.test(file) && !file.split('/').includes('..');
}

async function openFile(path: string): Promise<{ source: ByteSource; handle: FileHandle } | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return undefined;
    throw new TwinrouteError('not_found', `${path}: expected a readable file, got: ${messageOf(cause)}`, { cause });
  }
  const facts = await handle.stat();
  if (!facts.isFile()) {
    await handle.close();
    return undefined;
  }
  return { source: fileSource(path, handle, facts.size), handle };
}

function fileSource(name: string, handle: FileHandle, sizeBytes: number): ByteSource {
  return {
    name,
    sizeBytes,
    async read(offset, length, into) {
      if (!(offset >= 0 && length >= 0 && offset + length <= sizeBytes)) throw outside(name, offset, length, sizeBytes);
      const bytes = into ?? new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await handle.read(bytes, done, Math.min(MAX_READ_BYTES, length - done), offset + done);
        if (bytesRead === 0) throw outside(name, offset, length, sizeBytes); // the file shrank since it was opened
        done += bytesRead;
      }
      return bytes;
    },
  };
}

function outside(name: string, offset: number, length: number, sizeBytes: number): TwinrouteError {
  return new TwinrouteError('format', `${name}: expected bytes ${offset} to ${offset + length}, got a file of ${sizeBytes} bytes`);
}
