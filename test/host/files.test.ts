import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSha256, openFolder, sha256File } from '../../src/host/files.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twinroute-files-'));
  await mkdir(join(dir, 'sub'));
  await writeFile(join(dir, 'b.txt'), 'hello');
  await writeFile(join(dir, 'a.txt'), '');
  await writeFile(join(dir, 'sub', 'c.txt'), 'deep');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('reads ranges of files, of folders inside too', async () => {
  const folder = await openFolder(dir);
  const source = await folder.open('b.txt');
  expect(source?.sizeBytes).toBe(5);
  expect(Buffer.from((await source?.read(1, 3)) ?? []).toString()).toBe('ell');
  expect((await source?.read(5, 0))?.length).toBe(0);
  expect(Buffer.from((await (await folder.open('sub/c.txt'))?.read(0, 4)) ?? []).toString()).toBe('deep');
  await folder.close();
});

test('lists its own files, sorted', async () => {
  expect(await (await openFolder(dir)).list()).toEqual(['a.txt', 'b.txt']);
});

test('what is no file is not there', async () => {
  const folder = await openFolder(dir);
  expect(await folder.open('none')).toBeUndefined();
  expect(await folder.open('sub')).toBeUndefined();
  expect(await folder.open('a.txt/x')).toBeUndefined();
  await symlink('nowhere', join(dir, 'dangling'));
  expect(await folder.open('dangling')).toBeUndefined();
  await folder.close();
});

test.each(['../x', 'sub/../../x', '/etc/passwd', '', 'a\0b', '..', 'sub\\..\\x'])('refuses to leave the folder for %j', async (file) => {
  const folder = await openFolder(dir);
  await expect(folder.open(file)).rejects.toMatchObject({ code: 'format' });
});

test.each([
  [-1, 2],
  [0, 6],
  [6, 0],
  [2, -1],
  [NaN, 1],
])('refuses the range %d + %d of 5 bytes', async (offset, length) => {
  const folder = await openFolder(dir);
  const source = await folder.open('b.txt');
  await expect(source?.read(offset, length)).rejects.toMatchObject({ code: 'format' });
  await folder.close();
});

test('a file that shrinks while it is open is refused, not padded', async () => {
  const folder = await openFolder(dir);
  const source = await folder.open('b.txt');
  await truncate(join(dir, 'b.txt'), 2);
  await expect(source?.read(0, 5)).rejects.toMatchObject({ code: 'format' });
  await folder.close();
});

test('closing closes what was opened', async () => {
  const folder = await openFolder(dir);
  const source = await folder.open('b.txt');
  await folder.close();
  await expect(source?.read(0, 1)).rejects.toThrow('file closed');
});

test('no folder is an error that says what is there', async () => {
  await expect(openFolder(join(dir, 'none'))).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('got nothing') });
  await expect(openFolder(join(dir, 'b.txt'))).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('got a file') });
});

test('sha256 of a file equals that of its bytes', async () => {
  const hasher = createSha256();
  hasher.update(Buffer.from('hello'));
  const hex = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
  expect(hasher.hexDigest()).toBe(hex);
  expect(await sha256File(join(dir, 'b.txt'))).toBe(hex);
});
