// The Worker: real dependencies for createApp.

import { waitUntil } from 'cloudflare:workers';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
import { Endpoints } from '../contract/edge-bundle.ts';
import { Upstream } from '../contract/upstream.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { createApp, type AppDeps } from './app.ts';
import { createBundles } from './bundles.ts';
import type { EdgeEnv } from './env.ts';
import { createSessionFactory } from './session.ts';

export { Directory } from './durable/directory.ts';
export { ExperimentState } from './durable/experiment-state.ts';

/** The shortest that Workers KV allows. */
const KV_CACHE_SECONDS = 30;

let app: ReturnType<typeof createApp> | undefined;

function start(env: EdgeEnv): ReturnType<typeof createApp> {
  return createApp({
    bundles: createBundles({
      fetchAsset: (path) => env.ASSETS.fetch(`https://assets.internal/packs/${path}`),
      createSession: createSessionFactory(wasm),
      keepAlive: waitUntil,
    }),
    endpoints: parseJsonWith(Endpoints, env.ENDPOINTS, 'ENDPOINTS', 'unavailable'),
    // workerd's own fetch wants to be called as a function, not as a method of what holds it.
    fetch: (input, init) => fetch(input, init),
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
  fetch(request, env) {
    app ??= start(env);
    return app.fetch(request);
  },
} satisfies ExportedHandler<EdgeEnv>;
