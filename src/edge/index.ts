// The Worker: real dependencies for createApp.

import { waitUntil } from 'cloudflare:workers';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { Endpoints } from '../contract/edge-bundle.ts';
import { Upstream } from '../contract/upstream.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { openKeyRing } from '../formats/signing/key-ring.ts';
import { createApp, type AppDeps } from './app.ts';
import { createBundles } from './bundles.ts';
import type { EdgeEnv } from './env.ts';
import { createSessionFactory } from './session.ts';
import { singleFlight } from './single-flight.ts';

export { Directory } from './durable/directory.ts';
export { ExperimentState } from './durable/experiment-state.ts';

/** The shortest that Workers KV allows. */
const KV_CACHE_SECONDS = 30;

let app: (() => Promise<ReturnType<typeof createApp>>) | undefined;

async function start(env: EdgeEnv): Promise<ReturnType<typeof createApp>> {
  const keys = env.SIGNING_KEYS === undefined ? undefined : await openKeyRing(env.SIGNING_KEYS, 'SIGNING_KEYS');
  return createApp({
    bundles: createBundles({
      fetchAsset: (path) => env.ASSETS.fetch(`https://assets.internal/packs/${path}`),
      createSession: createSessionFactory(wasm),
      keepAlive: waitUntil,
    }),
    endpoints: parseJsonWith(Endpoints, env.ENDPOINTS, 'ENDPOINTS', 'unavailable'),
    // workerd's own fetch wants to be called as a function, not as a method of what holds it.
    fetch: (input, init) => fetch(input, init),
    signing: keys && { keys, now: Date.now, nonce: () => crypto.randomUUID() },
    now: Date.now,
    newId: () => crypto.randomUUID(),
    keepAlive: waitUntil,
    experiments: experimentsOf(env),
    log: ({ code, message, cause, stack }, requestId) =>
      console.error(JSON.stringify({ request_id: requestId, code, message, cause: String(cause), stack })),
    upstream: parseJsonWith(Upstream, env.UPSTREAM ?? '{}', 'UPSTREAM', 'unavailable'),
    uniform: Math.random,
  });
}

function experimentsOf({ EXPERIMENT_STATES: states, CONFIG: config, EXPERIMENTS: variable }: EdgeEnv): AppDeps['experiments'] {
  if (states === undefined) return undefined;
  return {
    readPublished: async () => (await config?.get('experiments', { cacheTtl: KV_CACHE_SECONDS })) ?? variable,
    storeOf: (design) => states.getByName(design),
  };
}

export default {
  async fetch(request, env) {
    app ??= singleFlight(() => start(env), waitUntil);
    return (await app()).fetch(request);
  },
} satisfies ExportedHandler<EdgeEnv>;
