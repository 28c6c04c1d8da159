// An edge that is published to: real KV, bucket and Durable Object, real routers and sessions; the clock, and what goes wrong, are the test's.

import { env } from 'cloudflare:workers';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import type { ConfigEntry } from '../../../src/contract/edge-bundle.ts';
import { HealthAnswer, Prediction } from '../../../src/contract/http.ts';
import { parseWith } from '../../../src/contract/parse.ts';
import type { Release } from '../../../src/contract/release.ts';
import { createBundles } from '../../../src/edge/bundles.ts';
import { bindExperiments } from '../../../src/edge/experiments/bind-experiments.ts';
import type { ReleaseStore } from '../../../src/edge/releases/port.ts';
import { withReleasedPrices } from '../../../src/edge/releases/prices.ts';
import { createReleases } from '../../../src/edge/releases/releases.ts';
import { createSessionFactory } from '../../../src/edge/session.ts';
import { generatePublishKeys, openPublishKeys } from '../../../src/formats/signing/publish-keys.ts';
import { signRelease, type VerifiedRelease } from '../../../src/formats/signing/release-signature.ts';
import { createPaidHarness, ROOT } from '../accounts/harness.ts';
import { assetsOf, FEATURES, POLICY, sha256, utf8 } from '../helpers/assets.ts';
import { BUNDLE, CONFIG, type HarnessOptions } from '../helpers/harness.ts';
import { tinyRouter } from '../helpers/tiny-router.ts';

export const TTL_MS = 30_000;

const createSession = createSessionFactory(wasm);
const pair = await generatePublishKeys();
const stranger = await generatePublishKeys();
export const publisher = await openPublishKeys(JSON.stringify(pair.publisher), 'publisher', 'publisher');
/** Somebody else's key, good in itself. */
export const otherPublisher = await openPublishKeys(JSON.stringify(stranger.publisher), 'publisher', 'publisher');
const edgeKeys = await openPublishKeys(JSON.stringify(pair.edge), 'edge', 'edge');

/** A pack as it is published: its entry, and its files by their hashes. */
export interface TestPack {
  readonly entry: ConfigEntry;
  readonly edge: Uint8Array;
  readonly router: Uint8Array;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** A pack of that config. */
export async function packOf(config: string, router: Uint8Array = tinyRouter()): Promise<TestPack> {
  const facts = { file: 'router.onnx', sha256: await sha256(router), bytes: router.length };
  const edge = utf8({ ...BUNDLE, config, router: { ...facts, features: FEATURES, classes: ['cola', 'sst2', 'stsb'], policy: POLICY } });
  const entry = { config, name: 'sample', sha256: await sha256(edge) };
  return {
    entry,
    edge,
    router,
    blobs: new Map([
      [entry.sha256, edge],
      [facts.sha256, router],
    ]),
  };
}

/** The same router in other bytes. */
export function saltedRouter(salt: number): Uint8Array {
  // Field 6 of ModelProto is its doc string.
  return Uint8Array.from([...tinyRouter(), 0x32, 1, 97 + salt]);
}

/** A release of these configs after `previous`. */
export function releaseOf(previous: VerifiedRelease | undefined, configs: readonly ConfigEntry[], change: Partial<Release> = {}): Release {
  return {
    schema: 1,
    version: (previous?.release.version ?? 0) + 1,
    ...(previous && { previous: { version: previous.release.version, sha256: previous.sha256 } }),
    created: '2026-11-24T12:00:00.000Z',
    action: 'publish',
    by: 'a test',
    reason: 'to see',
    configs: [...configs],
    ...change,
  };
}

let count = 0;

export interface PublishedOptions extends Pick<HarnessOptions, 'endpoints' | 'get' | 'origin'> {
  /** Changes to where releases are kept, to make them fail. */
  readonly sabotage?: (store: ReleaseStore) => ReleaseStore;
}

/** A deployment of its own: what one isolate publishes, another one finds. */
export function createDeployment() {
  const name = `deployment-${count++}`;
  const store: ReleaseStore = {
    keys: edgeKeys,
    readNotice: async () => (await env.CONFIG.get(name)) ?? undefined,
    history: () => env.RELEASES.getByName(name),
    bucket: env.PACKS,
    ttlMs: TTL_MS,
  };

  /** An isolate of it, cold. */
  async function isolate({ sabotage = (same) => same, ...options }: PublishedOptions = {}) {
    let nowMs = Date.now();
    let work: Promise<unknown>[] = [];
    const keepAlive = (promise: Promise<unknown>): void => void work.push(promise);
    const sessions = { made: 0, freed: 0 };
    const assets = await assetsOf({}, tinyRouter());
    const fetchAsset = async (path: string): Promise<Response> =>
      new Response(assets.get(path) ?? null, { status: assets.has(path) ? 200 : 404 });
    const counted: typeof createSession = async (model) => {
      const session = await createSession(model);
      sessions.made += 1;
      return {
        run: (feeds) => session.run(feeds),
        release() {
          sessions.freed += 1;
          return session.release();
        },
      };
    };
    const logged: string[] = [];
    const shared = { createSession: counted, keepAlive };
    const releases = createReleases({
      ...shared,
      store: sabotage(store),
      deployed: createBundles({ ...shared, fetchAsset }),
      fetchAsset,
      now: () => nowMs,
      currency: 'USD',
      log: ({ message }) => void logged.push(message),
    });
    const harness = createPaidHarness({
      bundles: releases.bundles,
      releases,
      experiments: bindExperiments({ EXPERIMENT_STATES: env.EXPERIMENT_STATES }, releases),
      sabotage: (accounts) => withReleasedPrices(accounts, releases.prices),
      now: () => nowMs,
      ...options,
    });
    const customer = await harness.customer(1_000_000_000);
    const put = (hash: string, bytes: Uint8Array) =>
      harness.app.request(`/admin/v1/blobs/${hash}`, { method: 'PUT', headers: { authorization: `Bearer ${ROOT}` }, body: bytes });
    return {
      ...harness,
      logged,
      sessions,
      releases,
      put,
      upload: async ({ blobs }: TestPack): Promise<void> => {
        for (const [hash, bytes] of blobs) await put(hash, bytes);
      },
      commit: (release: VerifiedRelease) => harness.admin('POST', 'releases', release.signed),
      customer,
      /** Status, and the config that answered. */
      async ask(config?: string): Promise<string> {
        const { status, body } = await customer.predict({ text: 'A film.', ...(config !== undefined && { config }) });
        return status === 200 ? parseWith(Prediction, body, 'body', 'internal').config : String(status);
      },
      health: async () => {
        const response = await harness.app.request('/health');
        return parseWith(HealthAnswer, await response.json(), 'health', 'internal').release;
      },
      pass: (ms: number) => void (nowMs += ms),
      async settle() {
        while (work.length > 0) {
          const pending = work;
          work = [];
          await Promise.all(pending);
        }
      },
    };
  }

  return {
    isolate,
    history: store.history,
    /** What KV says, in place of what the history would have it say. */
    notice: (value: unknown) => env.CONFIG.put(name, typeof value === 'string' ? value : JSON.stringify(value)),
    noNotice: () => env.CONFIG.delete(name),
  };
}

/** A deployment that serves OLD, an isolate that knows, and NEW ready to be released. */
export async function createPublished() {
  const deployment = createDeployment();
  const old = await packOf(OLD, saltedRouter(0));
  const fresh = await packOf(NEW, saltedRouter(1));
  const isolate = await deployment.isolate();
  await isolate.upload(old);
  await isolate.upload(fresh);
  const first = await signRelease(publisher, releaseOf(undefined, [old.entry]));
  await isolate.commit(first);
  await deployment.notice(first.signed);
  await isolate.ask();
  return { deployment, isolate, old, fresh, first };
}

export const OLD = '1111111111111111';
export const NEW = '2222222222222222';
export { CONFIG as DEPLOYED };
