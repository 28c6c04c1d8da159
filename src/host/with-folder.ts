// A folder for as long as some work takes.

import { openFolder, type HostFolder } from './files.ts';

/**
 * Opens the folder at `path`, hands it to `use` and closes its files, however the work ends.
 * @throws {TwinrouteError} as `openFolder`, and whatever `use` throws
 */
export async function withFolder<T>(path: string, use: (folder: HostFolder) => Promise<T>): Promise<T> {
  const folder = await openFolder(path);
  try {
    return await use(folder);
  } finally {
    await folder.close();
  }
}
