// A pack on this machine's disk, closed when the work with it is done.

import { openPack, type Pack } from '../formats/pack.ts';
import { createSha256, openFolder } from '../host/files.ts';

/**
 * Opens the pack at `path`, hands it to `use` and closes its files.
 * @throws {TwinrouteError} as `openPack`, and whatever `use` throws
 */
export async function withPack<T>(path: string, use: (pack: Pack) => Promise<T>): Promise<T> {
  const folder = await openFolder(path);
  try {
    return await use(await openPack(folder, createSha256));
  } finally {
    await folder.close();
  }
}
