import { env } from 'cloudflare:workers';
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { signRelease, type VerifiedRelease } from '../../../src/formats/signing/release-signature.ts';
import type { ReleaseStore } from '../../../src/edge/releases/port.ts';
import { createPublished, DEPLOYED, NEW, OLD, otherPublisher, packOf, publisher, releaseOf, TTL_MS, type TestPack } from './harness.ts';

const garbage = new TextEncoder().encode('not what it was');
const key = (sha256: string): string => `blobs/${sha256}`;
const routerOf = ({ blobs, entry }: TestPack): string => [...blobs.keys()].find((sha256) => sha256 !== entry.sha256) ?? '';

/** Makes the second release in the history alone, past the admin API, as whoever broke into the storage would. */
async function slipIn(history: ReleaseStore['history'], { release, sha256, signed }: VerifiedRelease): Promise<void> {
  expect(await history().commit({ version: release.version, sha256, signed }, release.previous?.sha256)).toEqual({ kind: 'committed' });
}

describe('an isolate that serves a release keeps it when', () => {
  type Published = Awaited<ReturnType<typeof createPublished>>;
  const second = ({ first, fresh }: Published) => signRelease(publisher, releaseOf(first, [fresh.entry]));

  test.each<[string, string | undefined, (published: Published) => Promise<void>]>([
    ['the notice is garbage', 'integrity', async ({ deployment }) => deployment.notice('{')],
    ['the notice is of another form', 'integrity', async ({ deployment }) => deployment.notice({ payload: 'x', kid: 'k', signature: 'y' })],
    // KV lags at times; the history knows better.
    ['there is no notice', undefined, async ({ deployment }) => deployment.noNotice()],
    [
      'a stranger signed the notice',
      'integrity',
      async ({ deployment, first, fresh }) =>
        deployment.notice((await signRelease(otherPublisher, releaseOf(first, [fresh.entry]))).signed),
    ],
    [
      "a stranger signed it in the publisher's name",
      'integrity',
      async ({ deployment, first, fresh }) =>
        deployment.notice({
          ...(await signRelease(otherPublisher, releaseOf(first, [fresh.entry]))).signed,
          kid: first.kid,
        }),
    ],
    [
      'the notice was changed',
      'integrity',
      async (published) => {
        const { signed } = await second(published);
        await published.deployment.notice({ ...signed, payload: signed.payload.replace('to see', 'to sea') });
      },
    ],
    [
      // Signed, but another was first: the history never took it.
      'the notice is a release that the history does not know',
      undefined,
      async (published) => published.deployment.notice((await second(published)).signed),
    ],
    [
      'the history was changed',
      'integrity',
      async (published) => {
        await slipIn(published.deployment.history, await second(published));
        await runInDurableObject(published.deployment.history(), (_, { storage }) =>
          storage.sql.exec("UPDATE releases SET payload = replace(payload, 'to see', 'to sea') WHERE version = 2"),
        );
        await published.deployment.noNotice();
      },
    ],
    [
      'the history lost releases',
      'integrity',
      async ({ deployment }) => {
        await deployment.noNotice();
        await runInDurableObject(deployment.history(), (_, { storage }) => storage.sql.exec('DELETE FROM releases'));
      },
    ],
    [
      'a config’s edge.json is missing',
      'unavailable',
      async (published) => {
        await env.PACKS.delete(key(published.fresh.entry.sha256));
        await slipIn(published.deployment.history, await second(published));
        await published.deployment.noNotice();
      },
    ],
    [
      'a config’s edge.json was changed',
      'integrity',
      async (published) => {
        await env.PACKS.put(key(published.fresh.entry.sha256), garbage);
        await slipIn(published.deployment.history, await second(published));
        await published.deployment.noNotice();
      },
    ],
    [
      'a config’s router was changed',
      'integrity',
      async (published) => {
        const router = Uint8Array.from(published.fresh.router);
        router[router.length >> 1] ^= 1;
        await env.PACKS.put(key(routerOf(published.fresh)), router);
        await slipIn(published.deployment.history, await second(published));
        await published.deployment.noNotice();
      },
    ],
    [
      'a config’s router is half of it',
      'integrity',
      async (published) => {
        await env.PACKS.put(key(routerOf(published.fresh)), published.fresh.router.subarray(0, 100));
        await slipIn(published.deployment.history, await second(published));
        await published.deployment.noNotice();
      },
    ],
    [
      'a config’s router is no model',
      'internal',
      async (published) => {
        const broken = await packOf(NEW, garbage);
        await published.isolate.upload(broken);
        await slipIn(published.deployment.history, await signRelease(publisher, releaseOf(published.first, [broken.entry])));
        await published.deployment.noNotice();
      },
    ],
  ])('%s', async (_, problem, spoil) => {
    const published = await createPublished();
    const { isolate, fresh, deployment, first } = published;
    await spoil(published);
    isolate.pass(TTL_MS);
    expect([await isolate.ask(), await isolate.ask(NEW)]).toEqual([OLD, '404']);
    expect(await isolate.health()).toEqual({ version: 1, ...(problem !== undefined && { problem }) });
    expect(isolate.logged.length).toBe(problem === undefined ? 0 : 1);

    // What is right again is served again.
    await runInDurableObject(deployment.history(), (_object, { storage }) => storage.sql.exec('DELETE FROM releases'));
    await isolate.upload(fresh);
    await slipIn(deployment.history, first);
    await slipIn(deployment.history, await second(published));
    isolate.pass(TTL_MS);
    expect(await isolate.ask()).toBe(NEW);
    expect(await isolate.health()).toMatchObject({ version: 2 });
  });

  test('KV is held still, for five minutes', async () => {
    const published = await createPublished();
    const { isolate, deployment } = published;
    await slipIn(deployment.history, await second(published));
    isolate.pass(290_000);
    expect(await isolate.ask()).toBe(OLD);
    isolate.pass(TTL_MS);
    expect(await isolate.ask()).toBe(NEW);
  });

  test('neither KV nor the history can be reached', async () => {
    const published = await createPublished();
    const { isolate, unreachable } = await createCutOff(published);
    unreachable(true);
    await slipIn(published.deployment.history, await second(published));
    for (let i = 0; i < 5; i++) {
      isolate.pass(TTL_MS);
      expect(await isolate.ask()).toBe(OLD);
    }
    expect(await isolate.health()).toEqual({ version: 1, problem: 'unavailable' });
    expect(isolate.logged).toHaveLength(1);
    unreachable(false);
    await published.deployment.notice((await second(published)).signed);
    isolate.pass(TTL_MS);
    expect([await isolate.ask(), await isolate.health()]).toEqual([NEW, { version: 2 }]);
  });
});

describe('a cold isolate', () => {
  test('believes the history rather than an old notice', async () => {
    const { deployment, first, isolate, fresh } = await createPublished();
    await isolate.commit(await signRelease(publisher, releaseOf(first, [fresh.entry])));
    await deployment.notice(first.signed);
    expect(await (await deployment.isolate()).ask()).toBe(NEW);
  });

  test('believes a signed notice while the history cannot be reached', async () => {
    const published = await createPublished();
    const { isolate } = await createCutOff(published, { history: true });
    expect(await isolate.ask()).toBe(OLD);
    expect(await isolate.health()).toEqual({ version: 1, problem: 'unavailable' });
  });

  test.each<[string, (published: Awaited<ReturnType<typeof createPublished>>) => Promise<void>]>([
    ['a file of the release was changed', async ({ old }) => void (await env.PACKS.put(key(routerOf(old)), garbage))],
    [
      'the release is not signed by a key of this edge',
      async ({ deployment, old }) => {
        await runInDurableObject(deployment.history(), (_, { storage }) => storage.sql.exec('DELETE FROM releases'));
        const release = await signRelease(otherPublisher, releaseOf(undefined, [old.entry]));
        await slipIn(deployment.history, release);
        await deployment.notice(release.signed);
      },
    ],
  ])('serves what was deployed when %s', async (_, spoil) => {
    const published = await createPublished();
    await spoil(published);
    const isolate = await published.deployment.isolate();
    expect([await isolate.ask(), await isolate.ask(OLD)]).toEqual([DEPLOYED, '404']);
    expect(await isolate.health()).toEqual({ version: null, problem: 'integrity' });
    await isolate.upload(published.old);
  });
});

/** An isolate whose ways to KV and the history can be cut. */
async function createCutOff(
  { deployment }: Awaited<ReturnType<typeof createPublished>>,
  cut: { notice?: boolean; history?: boolean } = {},
) {
  const state = { notice: false, history: false, ...cut };
  const gone = (): never => {
    throw new Error('no route to host');
  };
  const isolate = await deployment.isolate({
    sabotage: (store) => ({
      ...store,
      readNotice: async () => (state.notice ? gone() : store.readNotice()),
      history: () => (state.history ? gone() : store.history()),
    }),
  });
  await isolate.ask();
  return { isolate, unreachable: (value: boolean) => void Object.assign(state, { notice: value, history: value }) };
}
