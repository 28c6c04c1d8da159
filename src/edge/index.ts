// The Worker: real dependencies for createApp.

import { waitUntil } from 'cloudflare:workers';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { CorsOrigins } from '../contract/cors.ts';
import { parseJsonWith } from '../contract/parse.ts';
import type { PriceList } from '../contract/price-list.ts';
import type { TwinrouteError } from '../core/errors.ts';
import { openKeyRing } from '../formats/signing/key-ring.ts';
import { createApp } from './app.ts';
import { bindAccounts } from './accounts/bind-accounts.ts';
import { consumeUsage } from './accounts/consume-usage.ts';
import { createBundles } from './bundles.ts';
import type { UsageMessage } from './durable/usage-messages.ts';
import { openEndpoints, openUpstream } from './endpoints.ts';
import type { EdgeEnv } from './env.ts';
import { bindExperiments } from './experiments/bind-experiments.ts';
import { bindReleases } from './releases/bind-releases.ts';
import { withReleasedPrices } from './releases/prices.ts';
import { createReleases } from './releases/releases.ts';
import { bindPayments } from './x402/bind-x402.ts';
import { createSessionFactory } from './session.ts';
import { bindObservation } from './observe/bind-observation.ts';
import { createObservation } from './observe/observation.ts';
import { observedBundles } from './observe/observed-bundles.ts';
import { singleFlight } from './single-flight.ts';
import { sleep } from './sleep.ts';

export { Account } from './durable/account.ts';
export { Directory } from './durable/directory.ts';
export { ExperimentState } from './durable/experiment-state.ts';
export { Releases } from './durable/releases.ts';
export { Metrics } from './durable/metrics.ts';
export { Payer } from './durable/payer.ts';
export { UsageLog } from './durable/usage-log.ts';

let app: (() => Promise<ReturnType<typeof createApp>>) | undefined;

async function start(env: EdgeEnv): Promise<ReturnType<typeof createApp>> {
  const keys = env.SIGNING_KEYS === undefined ? undefined : await openKeyRing(env.SIGNING_KEYS, 'SIGNING_KEYS');
  const world = { now: Date.now, newId: () => crypto.randomUUID(), keepAlive: waitUntil, sleep };
  const observation = createObservation(bindObservation(env, { ...world, fetch: (input, init) => fetch(input, init) }));
  const { note } = observation.observer;
  const createSession = createSessionFactory(wasm);
  const fetchAsset = (path: string): Promise<Response> => env.ASSETS.fetch(`https://assets.internal/packs/${path}`);
  const deployed = createBundles({ fetchAsset, createSession, keepAlive: waitUntil });
  const store = await bindReleases(env);
  const accounts = bindAccounts(env, world);
  const payments = bindPayments(env);
  const currency = (accounts ?? payments)?.prices.currency;
  const log = (error: TwinrouteError, about: string): void => note({ kind: 'problem', error, about });
  const releases = store && createReleases({ ...world, store, deployed, fetchAsset, createSession, currency, log });
  const released = (): PriceList | undefined => releases?.prices();
  return createApp({
    ...world,
    bundles: observedBundles(releases?.bundles ?? deployed, note),
    releases,
    observation,
    metricsToken: env.METRICS_TOKEN,
    ...openEndpoints(env),
    // `page/` itself: assets have the folder's name for its index.html.
    fetchPage: (path, headers) => env.ASSETS.fetch(`https://assets.internal/page/${path}`, { headers }),
    // workerd's own fetch wants to be called as a function, not as a method of what holds it.
    fetch: (input, init) => fetch(input, init),
    signing: keys && { keys, now: Date.now, nonce: () => crypto.randomUUID() },
    accounts: accounts && withReleasedPrices(accounts, released),
    payments: payments && withReleasedPrices(payments, released),
    experiments: bindExperiments(env, releases),
    corsOrigins: parseJsonWith(CorsOrigins, env.CORS_ORIGINS ?? '["*"]', 'CORS_ORIGINS', 'unavailable'),
    upstream: openUpstream(env),
    uniform: Math.random,
  });
}

export default {
  async fetch(request, env) {
    app ??= singleFlight(() => start(env), waitUntil);
    return (await app()).fetch(request);
  },
  queue: (batch, env) => consumeUsage(batch, env),
} satisfies ExportedHandler<EdgeEnv, UsageMessage>;
