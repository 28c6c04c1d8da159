// A pack on this machine's disk, closed when the work with it is done.

import { openPack, type Pack } from '../formats/pack.ts';
import { createSha256 } from '../host/files.ts';
import { withFolder } from '../host/with-folder.ts';

/**
 * Opens the pack at `path` and hands it to `use`.
 * @throws {TwinrouteError} as `openPack`, and whatever `use` throws
 */
export function withPack<T>(path: string, use: (pack: Pack) => Promise<T>): Promise<T> {
  return withFolder(path, async (folder) => use(await openPack(folder, createSha256)));
}
