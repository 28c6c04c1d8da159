// A folder as a value: what a test compares when it means the same bytes.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The bytes of every file below `folder`, by path, sorted. */
export async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(names.sort().map(async (name): Promise<[string, Buffer]> => [name.slice(folder.length), await readFile(name)])),
  );
}
