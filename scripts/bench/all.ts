// `npm run bench`: the benches one after another, and docs/performance.md from what they measured.
//
//   npm run bench -- [--quality] [--full] [--fasttext PYTHON] [--only build,router,edge,resilience,gateway,throughput,quality] [--docs docs/performance.md]
//
// `--quality` adds quality.bench.ts, which also writes docs/quality.md; `--full` adds builds of full checkpoints; `--fasttext` the peer of
// the router; `--only ''` writes the page alone. JSON is kept in .cache/bench: with `--only` the page still has the figures of the other benches' last runs, each with its
// commit. Nothing here passes or fails by a figure.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { ensureSamplePack } from '../sample-pack.ts';
import { performanceMarkdown, type Reports } from './lib/performance-markdown.ts';

const { values: options } = parseArgs({
  options: {
    quality: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    fasttext: { type: 'string' },
    only: { type: 'string' },
    docs: { type: 'string', default: join(PACKAGE_ROOT, 'docs/performance.md') },
  },
});

const BENCHES: Readonly<Record<keyof Reports, readonly string[]>> = {
  build: options.full ? ['--full'] : [],
  router: options.fasttext === undefined ? [] : ['--fasttext', options.fasttext],
  edge: [],
  resilience: [],
  gateway: [],
  throughput: [],
  quality: [],
};
const NAMES = ['build', 'router', 'edge', 'resilience', 'gateway', 'throughput', 'quality'] as const;

const folder = join(PACKAGE_ROOT, '.cache/bench');
mkdirSync(folder, { recursive: true });
const wanted = options.only?.split(',').filter((name) => name !== '') ?? NAMES.filter((name) => name !== 'quality' || options.quality);
const unknown = wanted.find((name) => !NAMES.some((known) => known === name));
if (unknown !== undefined) throw new Error(`bench: expected ${NAMES.join(', ')} in --only, got ${unknown}`);
if (['edge', 'resilience', 'gateway', 'throughput'].some((name) => wanted.some((given) => given === name))) await ensureSamplePack();
for (const name of NAMES) {
  if (!wanted.includes(name)) continue;
  console.error(`\n== ${name}`);
  const script = join(import.meta.dirname, `${name}.bench.ts`);
  const { status } = spawnSync(process.execPath, [...process.execArgv, script, ...BENCHES[name], '--json', join(folder, `${name}.json`)], {
    cwd: PACKAGE_ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`bench: expected figures of ${name}, got exit code ${status}`);
}

const reports: Reports = Object.fromEntries(
  NAMES.map((name) => [name, join(folder, `${name}.json`)] as const)
    .filter(([, file]) => existsSync(file))
    .map(([name, file]) => [name, JSON.parse(readFileSync(file, 'utf8'))]),
);
const page = performanceMarkdown(reports);
mkdirSync(dirname(resolve(options.docs)), { recursive: true });
writeFileSync(options.docs, page);
console.log(page);
