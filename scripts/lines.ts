// Lines per file: the median is to stay low, and a file above the limit has to justify itself below.

import { globSync, readFileSync } from 'node:fs';

const LIMIT = 500;
/** Files above the limit, each with its reason. */
const ALLOWED: Readonly<Record<string, string>> = {};

const counts = globSync('src/**/*.ts')
  .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
  .sort((a, b) => b.lines - a.lines);
const total = counts.reduce((sum, { lines }) => sum + lines, 0);
const at = (share: number): number => counts[Math.floor((counts.length - 1) * share)]?.lines ?? 0;
console.log(
  `src: ${counts.length} files, ${total} lines; median ${at(0.5)}, p90 ${at(0.1)}, largest ${counts[0]?.lines} (${counts[0]?.file})`,
);
const over = counts.filter(({ file, lines }) => lines > LIMIT && ALLOWED[file] === undefined);
for (const { file, lines } of over) console.error(`${file}: ${lines} lines, limit ${LIMIT}; cut it, or give a reason in scripts/lines.ts`);
process.exit(over.length > 0 ? 1 : 0);
