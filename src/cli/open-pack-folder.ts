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

/** The same of several, all open while `use` works. */
export function withPacks<T>(paths: readonly string[], use: (packs: readonly Pack[]) => Promise<T>): Promise<T> {
  const [first, ...rest] = paths;
  return first === undefined ? use([]) : withPack(first, (pack) => withPacks(rest, (others) => use([pack, ...others])));
}
