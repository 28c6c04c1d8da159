// Which packs a folder holds.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TwinrouteError } from '../../core/errors.ts';
import { MANIFEST_FILE } from '../../formats/manifest-file.ts';

/**
 * Paths of the subfolders that are packs, in the order of their names. Those that start with a dot are still being written.
 * @throws {TwinrouteError} `not_found` when there is no such folder
 */
export async function packsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new TwinrouteError('not_found', `${folder}: expected a folder of packs, got one that cannot be read`, {
      cause,
      param: 'repository',
    });
  });
  const found: string[] = [];
  for (const name of names.filter((entry) => !entry.startsWith('.')).sort()) {
    const path = join(folder, name);
    if ((await stat(join(path, MANIFEST_FILE)).catch(() => undefined)) !== undefined) found.push(path);
  }
  return found;
}
