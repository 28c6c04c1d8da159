// Where the package lies: in a clone `src/` is run as it is, in an installed package `dist/` stands at the same depth.

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the folder with package.json. */
export const PACKAGE_ROOT: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
