// The Worker: real dependencies for createApp.

import { waitUntil } from 'cloudflare:workers';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { Upstream } from '../contract/upstream.ts';
import { CorsOrigins } from '../contract/cors.ts';
import { parseJsonWith } from '../contract/parse.ts';
import type { TwinrouteError } from '../core/errors.ts';
import { openKeyRing } from '../formats/signing/key-ring.ts';
import { createApp } from './app.ts';
import { bindAccounts } from './accounts/bind-accounts.ts';
import { consumeUsage } from './accounts/consume-usage.ts';
import { createBundles } from './bundles.ts';
import type { UsageMessage } from './durable/usage-messages.ts';
import { openEndpoints } from './endpoints.ts';
import type { EdgeEnv } from './env.ts';
import { bindExperiments } from './experiments/bind-experiments.ts';
import { bindReleases } from './releases/bind-releases.ts';
import { createReleases } from './releases/releases.ts';
import { createSessionFactory } from './session.ts';
import { singleFlight } from './single-flight.ts';

export { Account } from './durable/account.ts';
export { Directory } from './durable/directory.ts';
export { ExperimentState } from './durable/experiment-state.ts';
export { Releases } from './durable/releases.ts';
export { UsageLog } from './durable/usage-log.ts';

let app: (() => Promise<ReturnType<typeof createApp>>) | undefined;

async function start(env: EdgeEnv): Promise<ReturnType<typeof createApp>> {
  const keys = env.SIGNING_KEYS === undefined ? undefined : await openKeyRing(env.SIGNING_KEYS, 'SIGNING_KEYS');
  const createSession = createSessionFactory(wasm);
  const fetchAsset = (path: string): Promise<Response> => env.ASSETS.fetch(`https://assets.internal/packs/${path}`);
  const deployed = createBundles({ fetchAsset, createSession, keepAlive: waitUntil });
  const store = await bindReleases(env);
  const releases = store && createReleases({ store, deployed, fetchAsset, createSession, now: Date.now, keepAlive: waitUntil, log });
  return createApp({
    bundles: releases?.bundles ?? deployed,
    releases,
    endpoints: openEndpoints(env),
    // workerd's own fetch wants to be called as a function, not as a method of what holds it.
    fetch: (input, init) => fetch(input, init),
    signing: keys && { keys, now: Date.now, nonce: () => crypto.randomUUID() },
    accounts: bindAccounts(env),
    now: Date.now,
    newId: () => crypto.randomUUID(),
    keepAlive: waitUntil,
    experiments: bindExperiments(env, releases),
    log,
    corsOrigins: parseJsonWith(CorsOrigins, env.CORS_ORIGINS ?? '["*"]', 'CORS_ORIGINS', 'unavailable'),
    upstream: parseJsonWith(Upstream, env.UPSTREAM ?? '{}', 'UPSTREAM', 'unavailable'),
    uniform: Math.random,
  });
}

function log({ code, message, cause, stack }: TwinrouteError, requestId: string): void {
  console.error(JSON.stringify({ request_id: requestId, code, message, cause: String(cause), stack }));
}

export default {
  async fetch(request, env) {
    app ??= singleFlight(() => start(env), waitUntil);
    return (await app()).fetch(request);
  },
  queue: (batch, env) => consumeUsage(batch, env),
} satisfies ExportedHandler<EdgeEnv, UsageMessage>;
