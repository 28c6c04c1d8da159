// The edge's app in this process, before an origin in this process: real code and real HTTP between them, on loopback; only workerd is not there.

import { randomUUID } from 'node:crypto';
import { edgeAssets } from '../build/edge-assets.ts';
import { parseWith } from '../contract/parse.ts';
import { Upstream } from '../contract/upstream.ts';
import { createApp } from '../edge/app.ts';
import { createBundles } from '../edge/bundles.ts';
import { plainObservation } from '../edge/observe/plain-observation.ts';
import { ERROR_CODES, messageOf, type TwinrouteError } from '../core/errors.ts';
import type { Pack } from '../formats/pack.ts';
import { createSha256 } from '../host/files.ts';
import { createNodeSession } from '../host/ort-session.ts';
import { startOrigin } from '../origin/index.ts';
import { loadPredictor } from '../origin/load-pack.ts';
import { packageVersion } from './package-version.ts';

/** A whole deployment in one process. */
export interface LocalEdge {
  /** POSTs a JSON body to the edge. */
  request(path: string, body: string): Promise<Response>;
  close(): Promise<void>;
}

/** One request at a time, and the first one waits for nobody: no deadline that a cold start could miss. */
const REQUEST_MS = 60_000;

/** Compiles the pack and starts an origin that holds all its experts. */
export async function openEdge(pack: Pack, log: (line: string) => void): Promise<LocalEdge> {
  const assets = await edgeAssets([pack], createSha256);
  const origin = await startOrigin({ predictors: [await loadPredictor(pack)], version: packageVersion(), maxDelayMs: 0, log });
  // Whoever reads this log wrote the texts.
  const tell = ({ code, message, cause }: TwinrouteError, id: string): void => {
    if (ERROR_CODES[code].fault === 'system') log(`${id}: ${code}: ${message}${cause === undefined ? '' : ` (${messageOf(cause)})`}`);
  };
  const app = createApp({
    bundles: createBundles({
      fetchAsset: (path) => {
        const bytes = assets.get(path);
        return Promise.resolve(bytes === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(bytes)));
      },
      createSession: (model) => createNodeSession(model, { threads: 1 }),
      keepAlive: () => undefined,
    }),
    endpoints: [{ id: 'local', url: origin.url, experts: '*' }],
    accounts: undefined,
    payments: undefined,
    fetch,
    signing: undefined,
    now: () => performance.now(),
    newId: randomUUID,
    keepAlive: () => undefined,
    experiments: undefined,
    observation: plainObservation([{ failure: ({ error, id }) => tell(error, id) }], () => performance.now()),
    metricsToken: undefined,
    corsOrigins: [],
    upstream: parseWith(Upstream, { request_ms: REQUEST_MS, attempt_ms: REQUEST_MS }, 'upstream', 'internal'),
    uniform: Math.random,
  });
  return {
    request: async (path, body) => app.request(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
    close: () => origin.close(),
  };
}
