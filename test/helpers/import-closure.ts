// What a program loads when it starts: the files that it imports statically, from one to the next, and the packages that they name.

import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

/** Static imports and re-exports that are not of types alone. */
const IMPORT = /(?:^|\n)(?:import|export) (?!type\b)(?:[^;'"]*? from )?'([^']+)'/g;

/** Files by path and packages by name, sorted. */
export interface ImportClosure {
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

/** The closure of the imports of `entries`, paths relative to the working directory. */
export async function importClosure(entries: readonly string[]): Promise<ImportClosure> {
  const files = new Set<string>();
  const packages = new Set<string>();
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const [, target] of (await readFile(file, 'utf8')).matchAll(IMPORT)) {
      if (target.startsWith('.')) waiting.push(normalize(join(dirname(file), target)));
      else if (!target.startsWith('node:')) packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target);
    }
  }
  return { files: [...files].sort(), packages: [...packages].sort() };
}
