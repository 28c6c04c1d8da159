import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readExperiments } from '../../../src/cli/dev/read-experiments.ts';

const A = '0123456789abcdef';
const B = 'fedcba9876543210';
const arms = [A, B].map((config, i) => ({ name: `arm-${i}`, config, weight: 0.5 }));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinroute-experiments-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(text: string): Promise<string> {
  const file = join(folder, 'experiments.json');
  await writeFile(file, text);
  return file;
}

test('gives the text of a file that fits', async () => {
  const text = JSON.stringify({ experiments: [{ key: 'ranks', arms, shadow: { config: A, share: 1 } }] });
  expect(await readExperiments(await write(text), [A, B])).toBe(text);
});

test.each([
  ['no JSON', '{', /expected JSON/],
  ['an experiment without arms', '{"experiments": [{"key": "ranks"}]}', /arms/],
  [
    'an arm of another config',
    JSON.stringify({ experiments: [{ key: 'ranks', arms }] }),
    /ranks: expected configs among 0123456789abcdef, got fedc/,
  ],
  [
    'a shadow of another config',
    JSON.stringify({ experiments: [{ key: 'ranks', arms: arms.map((arm) => ({ ...arm, config: A })), shadow: { config: B, share: 1 } }] }),
    /got fedcba9876543210/,
  ],
])('refuses %s', async (_, text, message) => {
  await expect(readExperiments(await write(text), [A])).rejects.toThrow(message);
});

test('refuses a file that is not there', async () => {
  await expect(readExperiments(join(folder, 'nothing.json'), [A])).rejects.toMatchObject({ code: 'not_found' });
});
