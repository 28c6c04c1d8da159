import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockFile } from '../../src/host/lock-file.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twinroute-lock-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** The id of a process that has ended. */
function goneProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

const silent = (): void => undefined;

test('one holder at a time, who is named; given up it is free again', async () => {
  const path = join(dir, 'lock');
  const lock = await lockFile(path, 'dir', silent);
  await expect(lockFile(path, 'dir', silent)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(
      new RegExp(`dir: expected to be the only one there, got a lock of process ${process.pid} .*remove ${path}`),
    ),
  });
  await lock.release();
  await (await lockFile(path, 'dir', silent)).release();
  expect(await readdir(dir)).toEqual([]);
});

test('of many at once one gets it', async () => {
  const path = join(dir, 'many');
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockFile(path, 'dir', silent)));
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await rm(path);
});

test('a lock whose process is gone is taken over, and that is told', async () => {
  const path = join(dir, 'stale');
  const pid = goneProcess();
  await writeFile(path, JSON.stringify({ pid, host: hostname(), since: '2026-11-24T08:00:00.000Z' }));
  const lines: string[] = [];
  const lock = await lockFile(path, 'dir', (line) => lines.push(line));
  expect(lines).toEqual([`dir: took over from process ${pid}, which is gone`]);
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
  await lock.release();
});

test.each([
  ['of another machine', JSON.stringify({ pid: 1, host: 'elsewhere.invalid', since: 'then' }), /process 1 on elsewhere\.invalid/],
  ['that is not ours', 'held', /a lock of someone/],
])('a lock %s stays', async (_title, text, message) => {
  const path = join(dir, 'foreign');
  await writeFile(path, text);
  await expect(lockFile(path, 'dir', silent)).rejects.toThrow(message);
  expect(await readFile(path, 'utf8')).toBe(text);
  await rm(path);
});
