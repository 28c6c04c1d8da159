import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeFolder } from '../../src/host/atomic-folder.ts';

let dir: string;
let target: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twinroute-atomic-'));
  target = join(dir, 'deep', 'pack');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const never = (): Promise<boolean> => Promise.resolve(false);
const always = (): Promise<boolean> => Promise.resolve(true);

test('writes files whole and in chunks, in folders too', async () => {
  const sizes: number[] = [];
  await writeFolder(target, never, async (folder) => {
    sizes.push(await folder.write('a', bytes('one')));
    sizes.push(
      await folder.write(
        'sub/b',
        (async function* () {
          yield bytes('two');
          yield bytes('three');
        })(),
      ),
    );
  });
  expect(sizes).toEqual([3, 8]);
  expect(await readFile(join(target, 'sub/b'), 'utf8')).toBe('twothree');
  expect(await readdir(join(dir, 'deep'))).toEqual(['pack']);
});

test('a failure leaves nothing behind and the old folder as it was', async () => {
  const failing = async (folder: { write(file: string, chunks: Uint8Array): Promise<number> }): Promise<void> => {
    await folder.write('a', bytes('half'));
    throw new Error('stop');
  };
  await expect(writeFolder(target, never, failing)).rejects.toThrow('stop');
  expect(await readdir(join(dir, 'deep'))).toEqual([]);

  await writeFolder(target, never, async (folder) => void (await folder.write('a', bytes('old'))));
  await expect(writeFolder(target, always, failing)).rejects.toThrow('stop');
  expect(await readFile(join(target, 'a'), 'utf8')).toBe('old');
  expect(await readdir(join(dir, 'deep'))).toEqual(['pack']);
});

test('replaces a folder that may be replaced, all of it', async () => {
  await writeFolder(target, never, async (folder) => void (await folder.write('old', bytes('1'))));
  await writeFolder(target, always, async (folder) => void (await folder.write('new', bytes('2'))));
  expect(await readdir(target)).toEqual(['new']);
  expect(await readdir(join(dir, 'deep'))).toEqual(['pack']);
});

test('takes the place of an empty folder without asking', async () => {
  await mkdir(target, { recursive: true });
  await writeFolder(target, never, async (folder) => void (await folder.write('a', bytes('1'))));
  expect(await readdir(target)).toEqual(['a']);
});

test('refuses a folder of somebody else and a file before anything runs', async () => {
  let ran = false;
  const fill = (): Promise<void> => ((ran = true), Promise.resolve());
  await mkdir(target, { recursive: true });
  await writeFile(join(target, 'thesis.txt'), 'mine');
  await expect(writeFolder(target, never, fill)).rejects.toMatchObject({ code: 'config' });
  await expect(writeFolder(join(target, 'thesis.txt'), always, fill)).rejects.toMatchObject({ code: 'config' });
  expect(ran).toBe(false);
  expect(await readFile(join(target, 'thesis.txt'), 'utf8')).toBe('mine');
});

test('refuses when somebody else wrote there meanwhile', async () => {
  const meanwhile = async (): Promise<void> => {
    await mkdir(target, { recursive: true });
    await writeFile(join(target, 'thesis.txt'), 'mine');
  };
  await expect(writeFolder(target, never, meanwhile)).rejects.toMatchObject({ code: 'config' });
  expect(await readFile(join(target, 'thesis.txt'), 'utf8')).toBe('mine');
});

test('a file is written once', async () => {
  const twice = writeFolder(target, never, async (folder) => {
    await folder.write('a', bytes('1'));
    await folder.write('a', bytes('2'));
  });
  await expect(twice).rejects.toThrow('EEXIST');
});
