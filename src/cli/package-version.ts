// This program's version, from its package.json.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { parseJsonWith } from '../contract/parse.ts';
import { PACKAGE_ROOT } from './package-root.ts';

/** Version of the package. */
export function packageVersion(): string {
  return parseJsonWith(
    z.object({ version: z.string() }),
    readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'),
    'package.json',
    'internal',
  ).version;
}
