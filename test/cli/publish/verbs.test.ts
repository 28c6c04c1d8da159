import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../../src/cli/main.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinroute-publishing-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(env: Record<string, string>, ...args: string[]): Promise<{ code: number; err: string; out: string }> {
  let err = '';
  let out = '';
  const streams = { stdout: { write: (text: string) => (out += text) }, stderr: { write: (text: string) => (err += text) } };
  return { code: await main(args, { ...streams, env, stopped: () => Promise.resolve() }), err, out };
}

const SECRET = { TWINROUTE_ADMIN_SECRET: 'a root secret that nobody sees' };

test('signing-keys --publish writes a pair, the publisher’s for its owner alone', async () => {
  expect((await run({}, 'signing-keys', '--publish', '--out', folder)).code).toBe(0);
  expect((await readdir(folder)).sort()).toEqual(['publish-keys.json', 'publisher.json']);
  const [edge, publisher] = await Promise.all(['publish-keys.json', 'publisher.json'].map((name) => readFile(join(folder, name), 'utf8')));
  expect(edge).not.toContain('"d"');
  expect(publisher).toContain('"d"');
  expect((await run({}, 'signing-keys', '--publish', '--algorithm', 'ed25519', '--out', folder)).code).toBe(2);
});

test.each<[string, Record<string, string>, string[], RegExp]>([
  ['nothing to publish', SECRET, ['publish', '--edge', 'https://edge.test'], /expected a PACK/],
  ['no edge', SECRET, ['rollback', '--reason', 'x'], /--edge with a value/],
  ['no secret', {}, ['rollback', '--edge', 'https://edge.test', '--reason', 'x'], /\$TWINROUTE_ADMIN_SECRET/],
  ['no key', SECRET, ['rollback', '--edge', 'https://edge.test', '--reason', 'x'], /--key/],
  ['no reason', SECRET, ['rollback', '--edge', 'https://edge.test'], /--reason/],
  ['a secret in the open', SECRET, ['releases', '--edge', 'http://edge.test'], /expected an https address, or an http one on this machine/],
  ['a percentage of everybody', SECRET, ['rollout', 'latest', '--percent', '100'], /--percent/],
  ['a unit of nothing', SECRET, ['rollout', 'latest', '--unit', 'key'], /--percent beside --unit/],
  ['no config', SECRET, ['rollout'], /one CONFIG, VERSION or latest/],
])('is wrong usage: %s', async (_, env, args, message) => {
  const { code, err, out } = await run(env, ...args);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(message) });
  expect(err + out).not.toContain(SECRET.TWINROUTE_ADMIN_SECRET);
});

test('an edge that is not there is said, without the secret', async () => {
  const { code, err } = await run(SECRET, 'releases', '--edge', 'http://127.0.0.1:1');
  expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/expected an answer of http:\/\/127\.0\.0\.1:1, got none/) });
  expect(err).not.toContain(SECRET.TWINROUTE_ADMIN_SECRET);
});
