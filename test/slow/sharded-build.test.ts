// The sample pack in shards, by real processes: the bytes of one machine whatever their number, also when a shard is killed and run again.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { start } from '../e2e/program.ts';
import { filesOf } from '../helpers/files-of.ts';

const CONFIG = 'experts/twin.yaml';

let work: string;
let expected: Map<string, Buffer>;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'twinroute-shards-'));
  await build('--out', join(work, 'whole'));
  expected = await filesOf(join(work, 'whole'));
});

afterAll(() => rm(work, { recursive: true, force: true }));

async function build(...args: string[]): Promise<void> {
  const program = start('build', CONFIG, ...args, '--engine', 'wasm');
  const code = await program.ended;
  if (code !== 0) throw new Error(`build ended with ${code}: ${program.output()}`);
}

async function shards(count: number, folder: string, ...parts: string[]): Promise<string> {
  for (let i = 0; i < count; i++) await build(...parts, '--out', join(folder, String(i)), '--shard', `${i}/${count}`);
  return folder;
}

/** Names of the files in which the pack joined from `parts` differs from that of one machine. */
async function differing(parts: string): Promise<string[]> {
  const pack = `${parts}-pack`;
  await build('--join', parts, '--out', pack);
  const files = await filesOf(pack);
  const names = new Set([...files.keys(), ...expected.keys()]);
  return [...names].filter((name) => expected.get(name)?.equals(files.get(name) ?? Buffer.alloc(0)) !== true);
}

test.each([1, 2, 3])('%i shards measure, the join merges', async (count) => {
  expect(await differing(await shards(count, join(work, `spectra-${count}`)))).toEqual([]);
});

test.each([1, 2, 3])('%i shards measure, as many merge', async (count) => {
  expect(await differing(await shards(count, join(work, `merged-${count}`), join(work, `spectra-${count}`)))).toEqual([]);
});

test('a shard that is killed leaves no part, and is whole when it is run again', async () => {
  const spectra = join(work, 'spectra-2');
  const folder = join(work, 'killed');
  const args = ['build', CONFIG, spectra, '--out', join(folder, '1'), '--shard', '1/2', '--engine', 'wasm'];
  const program = start(...args);
  await program.waitFor(/merge …/);
  program.process.kill('SIGKILL');
  await program.ended;
  expect((await readdir(folder)).filter((name) => !name.startsWith('.'))).toEqual([]);
  await shards(2, folder, spectra);
  expect(await differing(folder)).toEqual([]);
});
