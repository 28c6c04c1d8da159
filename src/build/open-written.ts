// Reading back what a build has written of its pack.

import { TwinrouteError } from '../core/errors.ts';
import type { ByteSource, FolderSource } from '../formats/source.ts';

/** A file of a pack in the making. */
export async function openWritten(draft: FolderSource, file: string): Promise<ByteSource> {
  const source = await draft.open(file);
  if (source !== undefined) return source;
  throw new TwinrouteError('internal', `expected ${file} in ${draft.name}, got no such file`);
}
