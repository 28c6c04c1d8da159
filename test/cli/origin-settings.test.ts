// Settings of an origin: where they come from, which of them hold, and what is refused.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAdminToken } from '../../src/cli/origin/admin-token.ts';
import { describeSettings, ORIGIN_OPTIONS, readOriginSettings } from '../../src/cli/origin/origin-settings.ts';
import { ORIGIN_SETTINGS } from '../../src/contract/origin-config.ts';
import { nearestName } from '../../src/core/nearest-name.ts';

const TOKEN = 'a-token-that-nobody-guesses';
let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'origin-settings-'));
  file = join(folder, 'origin.yaml');
  await writeFile(file, 'packs: [a, b]\nport: 1\nmax_queue: 300\nmax_batch: 16\n');
});
afterAll(() => rm(folder, { recursive: true }));

async function yaml(text: string): Promise<string> {
  const path = join(folder, 'other.yaml');
  await writeFile(path, text);
  return path;
}

test('a flag holds before a variable, a variable before the file, the file before the default', async () => {
  const { config, sources } = await readOriginSettings(
    [],
    { config: file, port: '3' },
    { TWINROUTE_ORIGIN_PORT: '2', TWINROUTE_ORIGIN_MAX_QUEUE: '400' },
  );
  expect(config).toMatchObject({ packs: ['a', 'b'], port: 3, max_queue: 400, max_batch: 16, drain_ms: 10_000 });
  expect(['port', 'max_queue', 'max_batch', 'drain_ms'].map((key) => sources.get(key))).toEqual(['flag', 'environment', file, 'default']);
});

test('packs of the command line hold before all others, and the file may be named by a variable', async () => {
  const { config } = await readOriginSettings(['c'], {}, { TWINROUTE_ORIGIN_CONFIG: file, TWINROUTE_ORIGIN_EXPERTS: 'cola,sst2' });
  expect(config).toMatchObject({ packs: ['c'], experts: ['cola', 'sst2'], port: 1 });
});

describe('what does not fit is refused, and told where it stands', () => {
  test.each([
    ['a flag', { port: '70000' }, {}, 'usage', /flags: port/],
    ['a variable', {}, { TWINROUTE_ORIGIN_PORT: 'http' }, 'config', /environment: port/],
    [
      'a variable that there is not',
      {},
      { TWINROUTE_ORIGIN_MAX_QEUE: '1' },
      'config',
      /MAX_QEUE: unknown setting .*did you mean TWINROUTE_ORIGIN_MAX_QUEUE\?/,
    ],
    ['a short token', {}, { TWINROUTE_ORIGIN_ADMIN_TOKEN: 'short' }, 'config', /admin_token/],
  ] as const)('%s', async (_, values, env, code, message) => {
    await expect(readOriginSettings(['x'], values, env)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test.each([
    ['a key that there is not', 'prot: 1', /unknown setting "prot"; did you mean port\?/],
    ['a key like no other', 'colour: red', /unknown setting "colour"; expected one of packs, /],
    ['a number as a text', 'port: "1"', /other\.yaml: port/],
    ['a list', '- 1', /other\.yaml/],
    ['no YAML', 'port: [', /other\.yaml/],
  ])('a file with %s', async (_, text, message) => {
    const read = readOriginSettings(['x'], { config: await yaml(text) }, {});
    await expect(read).rejects.toMatchObject({ code: 'config', message: expect.stringMatching(message) });
  });
});

test('what Kubernetes tells of a service of that name is no setting', async () => {
  const env = {
    TWINROUTE_ORIGIN_PORT: 'tcp://10.0.0.1:8801',
    TWINROUTE_ORIGIN_SERVICE_HOST: '10.0.0.1',
    TWINROUTE_ORIGIN_SERVICE_PORT: '8801',
    TWINROUTE_ORIGIN_SERVICE_PORT_HTTP: '8801',
    TWINROUTE_ORIGIN_PORT_8801_TCP_ADDR: '10.0.0.1',
  };
  expect((await readOriginSettings(['x'], {}, env)).config.port).toBe(8801);
});

test('what holds is printed without secrets, and a secret is no flag', async () => {
  const lines = describeSettings(await readOriginSettings(['x'], {}, { TWINROUTE_ORIGIN_ADMIN_TOKEN: TOKEN })).join('\n');
  expect(lines).toContain('admin_token: "(set)" # environment');
  expect(lines).not.toContain(TOKEN);
  expect(Object.keys(ORIGIN_OPTIONS)).not.toContain('admin-token');
  for (const key of Object.keys(ORIGIN_SETTINGS))
    if (key !== 'admin_token' && key !== 'packs') expect(Object.keys(ORIGIN_OPTIONS)).toContain(key.replaceAll('_', '-'));
});

test('the token may lie in a file', async () => {
  const path = join(folder, 'token');
  await writeFile(path, `${TOKEN}\n`);
  expect(await readAdminToken({ admin_token_file: path })).toBe(TOKEN);
  await expect(readAdminToken({ admin_token_file: path, admin_token: TOKEN })).rejects.toMatchObject({ code: 'config' });
  await expect(readAdminToken({ admin_token_file: `${path}s` })).rejects.toMatchObject({ code: 'config' });
});

test('the nearest name is told only where one is near', () => {
  expect(nearestName('max_qeue', ['max_batch', 'max_queue'])).toBe('max_queue');
  expect(nearestName('prt', ['port', 'host'])).toBe('port');
  expect(nearestName('colour', ['port', 'host'])).toBeUndefined();
});
