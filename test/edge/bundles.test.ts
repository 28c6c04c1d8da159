import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBundles } from '../../src/edge/bundles.ts';
import { assetsOf, ROUTER, utf8 } from './helpers/assets.ts';
import { BUNDLE, CONFIG } from './helpers/harness.ts';

/** Bundles over assets with sessions that are never run; `fetched` and `created` count. */
function over(assets: ReadonlyMap<string, Uint8Array>) {
  const seen = { fetched: [] as string[], created: 0 };
  const bundles = createBundles({
    async fetchAsset(path) {
      seen.fetched.push(path);
      const bytes = assets.get(path);
      return bytes === undefined ? new Response('missing', { status: 404 }) : new Response(bytes);
    },
    async createSession() {
      seen.created += 1;
      return { run: () => Promise.reject(new Error('not run here')), release: () => Promise.resolve() };
    },
    keepAlive: () => undefined,
  });
  return { bundles, seen };
}

describe('createBundles', () => {
  test('the first config is the default, and every file is read once', async () => {
    const { bundles, seen } = over(await assetsOf());
    const [one, two] = await Promise.all([bundles.load(undefined), bundles.load(CONFIG)]);
    expect(one).toBe(two);
    expect([...one.experts.keys()]).toEqual(['cola', 'sst2', 'stsb']);
    await Promise.all([one.router?.(), one.router?.(), two.router?.()]);
    await one.router?.();
    expect(seen.fetched).toEqual(['index.json', `${CONFIG}/edge.json`, `${CONFIG}/router.onnx`]);
    expect(seen.created).toBe(1);
  });

  test('an unknown config is not found, and nothing is read for it', async () => {
    const { bundles, seen } = over(await assetsOf());
    await expect(bundles.load('f'.repeat(16))).rejects.toMatchObject({ code: 'not_found', param: 'config' });
    expect(seen.fetched).toEqual(['index.json']);
  });

  test('a pack that its origin routes has no router', async () => {
    const { bundles } = over(await assetsOf({ routing: 'origin', router: undefined }));
    expect((await bundles.load(undefined)).router).toBeUndefined();
  });

  test('what failed is tried again', async () => {
    const assets = await assetsOf();
    const router = assets.get(`${CONFIG}/router.onnx`) ?? ROUTER;
    assets.delete(`${CONFIG}/router.onnx`);
    const { bundles } = over(assets);
    const deployed = await bundles.load(undefined);
    await expect(deployed.router?.()).rejects.toMatchObject({ code: 'unavailable' });
    assets.set(`${CONFIG}/router.onnx`, router);
    await expect(deployed.router?.()).resolves.toBeDefined();
  });
});

describe('assets that are refused', () => {
  test.each([
    ['no index', { 'index.json': undefined }, 'unavailable'],
    ['an index that is no JSON', { 'index.json': new Uint8Array([0x7b]) }, 'integrity'],
    ['an index of nothing', { 'index.json': utf8({ schema: 1, configs: [] }) }, 'unavailable'],
    ['no edge.json', { [`${CONFIG}/edge.json`]: undefined }, 'unavailable'],
    ['another edge.json', { [`${CONFIG}/edge.json`]: utf8(BUNDLE) }, 'integrity'],
  ])('%s', async (_, changes, code) => {
    const assets = await assetsOf();
    for (const [path, bytes] of Object.entries<Uint8Array | undefined>(changes)) {
      if (bytes === undefined) assets.delete(path);
      else assets.set(path, bytes);
    }
    await expect(over(assets).bundles.load(undefined)).rejects.toMatchObject({ code });
  });

  test('an edge.json of another config', async () => {
    await expect(over(await assetsOf({ config: 'f'.repeat(16) })).bundles.load(undefined)).rejects.toMatchObject({ code: 'integrity' });
  });

  test('an edge.json with a field that this version does not know', async () => {
    const assets = await assetsOf(JSON.parse('{"later": true}'));
    await expect(over(assets).bundles.load(undefined)).rejects.toMatchObject({ code: 'integrity' });
  });

  test('a longer and a shorter router', async () => {
    for (const router of [Uint8Array.from([...ROUTER, 0]), ROUTER.subarray(0, -1), new Uint8Array(0)]) {
      const { bundles, seen } = over((await assetsOf()).set(`${CONFIG}/router.onnx`, router));
      await expect((await bundles.load(undefined)).router?.()).rejects.toMatchObject({ code: 'integrity' });
      expect(seen.created).toBe(0);
    }
  });

  test('property: one changed bit anywhere in edge.json or the router', async () => {
    const good = await assetsOf();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('edge.json', 'router.onnx'), fc.nat(), fc.nat({ max: 7 }), async (file, offset, bit) => {
        const bytes = Uint8Array.from(good.get(`${CONFIG}/${file}`) ?? []);
        bytes[offset % bytes.length] ^= 1 << bit;
        const { bundles, seen } = over(new Map(good).set(`${CONFIG}/${file}`, bytes));
        const use = async () => (await bundles.load(undefined)).router?.();
        await expect(use()).rejects.toMatchObject({ code: 'integrity' });
        expect(seen.created).toBe(0);
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});
