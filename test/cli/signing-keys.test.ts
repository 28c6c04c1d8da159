import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCli } from '../helpers/run-cli.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinroute-keys-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a second run loses no key that is in use', async () => {
  expect(await runCli('signing-keys', '--out', folder)).toMatchObject({ code: 0 });
  const before = await readFile(join(folder, 'edge.json'), 'utf8');
  expect(await runCli('signing-keys', '--out', folder)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/expected to write a new file/),
  });
  expect((await readdir(folder)).sort()).toEqual(['edge.json', 'origin.json']);
  expect(await readFile(join(folder, 'edge.json'), 'utf8')).toBe(before);
});

test("beside another origin's file no half of a pair is left", async () => {
  await writeFile(join(folder, 'origin.json'), 'another');
  expect(await runCli('signing-keys', '--out', folder)).toMatchObject({ code: 1, err: expect.stringMatching(/origin\.json/) });
  expect(await readdir(folder)).toEqual(['origin.json']);
  expect(await readFile(join(folder, 'origin.json'), 'utf8')).toBe('another');
});
