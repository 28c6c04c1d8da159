// Files of keys: new ones beside each other, all or none.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TwinrouteError } from '../core/errors.ts';

/**
 * Writes key sets that belong together; only their owner can read them.
 * @param sets by file name
 * @throws {TwinrouteError} `config` when a file cannot be written, or is there already: a key in use is never lost to a second run
 */
export async function writeKeyFiles(folder: string, sets: Readonly<Record<string, object>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const written: string[] = [];
  for (const [name, set] of Object.entries(sets)) {
    const file = join(folder, name);
    try {
      await writeFile(file, `${JSON.stringify(set, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    } catch (cause) {
      // Half a pair is of no use, and what is written is this run's own.
      for (const half of written) await rm(half, { force: true });
      throw new TwinrouteError('config', `${file}: expected to write a new file there, got an error`, { cause });
    }
    written.push(file);
  }
}
