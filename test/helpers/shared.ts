// The material that lies beside some checkouts: real models, data and oracles. Tests that need it skip without it.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Absolute path of something in the shared folder. */
export function sharedPath(path: string): string {
  return fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
}

/** Whether it is there. */
export function hasShared(path: string): boolean {
  return existsSync(sharedPath(path));
}
