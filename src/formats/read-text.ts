// Text files of a model folder, with a limit on what is read.

import { TwinrouteError } from '../core/errors.ts';
import type { FolderSource } from './source.ts';

/**
 * The text of a file, or undefined when the folder has none of that name.
 * @throws {TwinrouteError} `format` when it is longer than `maxBytes` or not UTF-8
 */
export async function readText(folder: FolderSource, file: string, maxBytes: number): Promise<string | undefined> {
  const source = await folder.open(file);
  if (source === undefined) return undefined;
  if (source.sizeBytes > maxBytes)
    throw new TwinrouteError('format', `${source.name}: expected at most ${maxBytes} bytes, got ${source.sizeBytes}`);
  const bytes = await source.read(0, source.sizeBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TwinrouteError('format', `${source.name}: expected UTF-8, got other bytes`, { cause });
  }
}
