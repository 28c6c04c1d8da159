import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../helpers/run-cli.ts';

const DEFINITION = {
  key: 'ranks',
  variations: ['0123456789abcdef', 'fedcba9876543210'],
  weights: [0.25, 0.75],
  hashVersion: 2,
  phase: '0',
};
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinroute-growthbook-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(value: unknown): Promise<string> {
  const path = join(folder, 'file.json');
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

describe('twinroute growthbook', () => {
  test.each([
    ['a definition', DEFINITION],
    ['a list', [DEFINITION]],
    ['a payload', { status: 200, experiments: [DEFINITION] }],
  ])('reads %s, names what it drops, and --export gives it back', async (_, source) => {
    const { code, out, err } = await runCli('growthbook', await file(source));
    expect(code).toBe(0);
    expect(err).toBe('ranks: phase: dropped; twinroute has no use for it\n');
    const { experiments } = JSON.parse(out);
    expect(experiments).toMatchObject([
      {
        key: 'ranks',
        arms: [
          { name: 'arm-0', config: '0123456789abcdef', weight: 0.25 },
          { name: 'arm-1', config: 'fedcba9876543210', weight: 0.75 },
        ],
      },
    ]);
    const back = await runCli('growthbook', await file({ experiments }), '--export');
    const { phase: _phase, ...kept } = DEFINITION;
    expect(back).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(back.out)).toMatchObject({ experiments: [kept] });
  });

  test.each([
    ['no JSON', '{', /expected JSON/],
    ['no definition', '5', /expected a definition/],
    ['a variation that is no config', { ...DEFINITION, variations: ['blue', 'red'] }, /variations/],
    ['two experiments of one key', [DEFINITION, DEFINITION], /distinct keys/],
  ])('refuses %s', async (_, source, message) => {
    const { code, out, err } = await runCli('growthbook', await file(source));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(message);
  });

  test('refuses a file that is not there', async () => {
    expect((await runCli('growthbook', join(folder, 'nothing.json'))).code).toBe(1);
  });
});
