import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test } from 'vitest';
import { RELEASE_KEY, SignedRelease } from '../../../src/contract/release.ts';
import { parseJsonWith } from '../../../src/contract/parse.ts';

beforeEach(() => env.CONFIG.delete(RELEASE_KEY));

const release = (version: number) => ({
  version,
  sha256: String(version).repeat(64),
  signed: { payload: `release ${version}`, kid: 'k', signature: 'A'.repeat(86) },
});
const told = async (): Promise<string | undefined> => {
  const text = await env.CONFIG.get(RELEASE_KEY);
  return text === null ? undefined : parseJsonWith(SignedRelease, text, 'notice', 'internal').payload;
};

test('releases follow each other, and are kept when the object is evicted', async () => {
  const releases = env.RELEASES.getByName('follow');
  expect(await releases.head()).toBeUndefined();
  expect(await releases.commit(release(1), undefined)).toEqual({ kind: 'committed' });
  expect(await told()).toBe('release 1');
  await evictDurableObject(releases);
  expect(await releases.commit(release(2), release(1).sha256)).toEqual({ kind: 'committed' });
  expect(await told()).toBe('release 2');
  expect((await releases.list(9)).map(({ version }) => version)).toEqual([2, 1]);
  expect(await releases.get(1)).toMatchObject(release(1));
  expect(await releases.get(3)).toBeUndefined();
});

test('one that does not follow is refused; the newest one again changes nothing', async () => {
  const releases = env.RELEASES.getByName('refuse');
  expect(await releases.commit(release(2), undefined)).toEqual({ kind: 'conflict', head: 0 });
  expect(await releases.commit(release(1), release(9).sha256)).toEqual({ kind: 'conflict', head: 0 });
  await releases.commit(release(1), undefined);
  await releases.commit(release(2), release(1).sha256);
  expect(await releases.commit(release(2), release(1).sha256)).toEqual({ kind: 'committed' });
  expect(await releases.commit(release(1), undefined)).toEqual({ kind: 'conflict', head: 2 });
  expect(await releases.commit(release(3), release(1).sha256)).toEqual({ kind: 'conflict', head: 2 });
  expect((await releases.list(9)).map(({ version }) => version)).toEqual([2, 1]);
});

test('KV is told later when it could not be told at once', async () => {
  const releases = env.RELEASES.getByName('later');
  await runInDurableObject(releases, async (instance) => {
    const CONFIG = { put: () => Promise.reject(new Error('KV is away')) };
    Reflect.set(instance, 'env', { ...env, CONFIG });
    expect(await instance.commit(release(1), undefined)).toEqual({ kind: 'committed' });
  });
  expect(await told()).toBeUndefined();
  expect((await releases.head())?.version).toBe(1);
  await runInDurableObject(releases, (instance) => void Reflect.set(instance, 'env', env));
  expect(await runDurableObjectAlarm(releases)).toBe(true);
  expect(await told()).toBe('release 1');
  // Then it is at rest.
  await env.CONFIG.delete(RELEASE_KEY);
  await runDurableObjectAlarm(releases);
  expect(await told()).toBeUndefined();
  expect(await runDurableObjectAlarm(releases)).toBe(false);
});
