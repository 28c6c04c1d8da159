// The state of long work as one small file that is always whole.

import { open, rename, rm } from 'node:fs/promises';
import { readIfThere } from './read-if-there.ts';

/** A file that is replaced at once or not at all. */
export interface CheckpointFile {
  /** Its text, or undefined when there is none. */
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
  /** Deletes it, if it is there. */
  remove(): Promise<void>;
}

/** The checkpoint at `path`, whose folder exists; a draft beside it ends in `.new`. One process writes it at a time. */
export function checkpointFile(path: string): CheckpointFile {
  const draft = `${path}.new`;
  return {
    read: () => readIfThere(path),
    async write(text) {
      const handle = await open(draft, 'w');
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, path);
    },
    async remove() {
      await rm(path, { force: true });
      await rm(draft, { force: true });
    },
  };
}
