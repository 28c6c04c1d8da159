// Text files that the command line is given.

import { readFile } from 'node:fs/promises';
import { messageOf, TwinrouteError } from '../core/errors.ts';

/** A file's text. @throws {TwinrouteError} `not_found` when it cannot be read */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TwinrouteError('not_found', `${path}: expected a readable file, got: ${messageOf(cause)}`, { cause });
  }
}
