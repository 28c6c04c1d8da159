// `npm run bench`: the benches one after another, and docs/performance.md from what they measured.
//
//   npm run bench -- [--only NAME,…] [--skip NAME,…] [--quick] [--render] [--docs docs]
//
// A bench's JSON goes to DOCS/bench/NAME.json, its plots lie beside it, and the page is written from all of them: benches that were not run now keep
// the figures of their last run, with the machine, commit and day of that run. One that fails, or lacks what it needs, says so here and on the page.
// `--quick` takes few samples, to see that everything works: nothing of it is kept unless --docs names another folder. `--render` measures nothing.
// Nothing here passes or fails by a figure.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { AbsentError, BENCHES, type Bench } from './lib/benches.ts';
import { readPage } from './lib/page/read-page.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    skip: { type: 'string' },
    quick: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
    docs: { type: 'string' },
  },
});

const docs = options.docs ?? (options.quick ? join(tmpdir(), 'twinroute-bench-quick') : join(PACKAGE_ROOT, 'docs'));
const folder = join(docs, 'bench');
const absentFile = join(folder, 'absent.json');

function named(list: string | undefined): readonly string[] | undefined {
  const names = list?.split(',').filter((name) => name !== '');
  const unknown = names?.find((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown === undefined) return names;
  throw new Error(`bench: expected ${BENCHES.map(({ name }) => name).join(', ')}, got ${unknown}`);
}

/** Why there are no new figures; undefined when there are. */
async function measure({ name, args }: Bench): Promise<string | undefined> {
  console.error(`\n== ${name}`);
  const file = join(folder, `${name}.json`);
  try {
    const script = join(import.meta.dirname, `${name}.bench.ts`);
    const { status } = spawnSync(process.execPath, [...process.execArgv, script, ...(await args(options.quick)), '--json', `${file}.new`], {
      cwd: PACKAGE_ROOT,
      stdio: 'inherit',
    });
    if (status !== 0) return `failed with exit code ${status} on ${new Date().toISOString().slice(0, 10)}`;
    renameSync(`${file}.new`, file);
    return undefined;
  } catch (error) {
    if (error instanceof AbsentError) return error.message;
    throw error;
  }
}

mkdirSync(folder, { recursive: true });
const absent: Record<string, string> = existsSync(absentFile) ? JSON.parse(readFileSync(absentFile, 'utf8')) : {};
const only = named(options.only);
const skip = named(options.skip) ?? [];
const wanted = options.render
  ? []
  : BENCHES.filter(({ name, apart }) => (only === undefined ? apart === undefined : only.includes(name)) && !skip.includes(name));
for (const bench of wanted) {
  const reason = await measure(bench);
  delete absent[bench.name];
  if (reason !== undefined) {
    console.error(`bench: ${bench.name}: ${reason}`);
    absent[bench.name] = reason;
  }
}
writeFileSync(absentFile, `${JSON.stringify(absent, null, 2)}\n`);

const { page, plots } = readPage(folder);
for (const { file, svg } of plots) writeFileSync(join(folder, file), svg);
writeFileSync(join(docs, 'performance.md'), page);
console.error(`\nbench: ${join(docs, 'performance.md')} and ${plots.length} plots written`);
