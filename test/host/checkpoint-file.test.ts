import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkpointFile } from '../../src/host/checkpoint-file.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinroute-checkpoint-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test('is absent, holds the last text, and leaves nothing behind', async () => {
  const checkpoint = checkpointFile(join(folder, '.pack.json'));
  expect(await checkpoint.read()).toBeUndefined();
  await checkpoint.write('a longer first text');
  await checkpoint.write('second');
  expect(await checkpoint.read()).toBe('second');
  expect(await readdir(folder)).toEqual(['.pack.json']);
  await checkpoint.remove();
  expect(await readdir(folder)).toEqual([]);
  await checkpoint.remove();
});

test('a draft that a crash left is not read and is written over', async () => {
  const path = join(folder, '.pack.json');
  await writeFile(path, 'whole');
  await writeFile(`${path}.new`, 'a half');
  const checkpoint = checkpointFile(path);
  expect(await checkpoint.read()).toBe('whole');
  await checkpoint.write('next');
  expect(await checkpoint.read()).toBe('next');
});

test('a path that cannot be read is an error, not an absence', async () => {
  await expect(checkpointFile(folder).read()).rejects.toThrow(/./);
});
