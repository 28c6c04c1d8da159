// The edge in workerd on this machine: the bundled Worker, a folder of assets and a list of endpoints, through miniflare.

import type { Endpoint } from '../../contract/endpoint.ts';
import { DURABLE_OBJECTS } from './durable-objects.ts';
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS, type WorkerBundle } from './bundle-worker.ts';

/** The queue of wrangler.toml. */
const USAGE_QUEUE = 'twinroute-usage';

/** A running edge. */
export interface RunningEdge {
  readonly url: string;
  /** Address of workerd's inspector, where it was asked for. */
  readonly inspector: URL | undefined;
  close(): Promise<void>;
}

/** What an edge is started with. */
export interface EdgeOptions {
  readonly bundle: WorkerBundle;
  /** Folder that `writeEdgeAssets` filled. */
  readonly assetsFolder: string;
  readonly endpoints: readonly Endpoint[];
  /** Folder in which Durable Objects, KV and R2 keep their state; undefined forgets it when the edge closes. */
  readonly stateFolder?: string | undefined;
  /** Further variables of the Worker. */
  readonly variables?: Readonly<Record<string, string>>;
  /** 0 takes a free one. */
  readonly port: number;
  /** Opens workerd's inspector on a free port. */
  readonly inspect?: boolean;
}

/**
 * Starts workerd on loopback.
 * @returns once it accepts requests
 */
export async function startEdge({
  bundle,
  assetsFolder,
  endpoints,
  stateFolder,
  variables = {},
  port,
  inspect = false,
}: EdgeOptions): Promise<RunningEdge> {
  // Only `dev` needs it: other verbs start without, and images of origins go without.
  const { Log, LogLevel, Miniflare } = await import('miniflare');
  const release = watchSignals();
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port,
    ...(inspect && { inspectorPort: 0 }),
    log: new Log(LogLevel.ERROR),
    ...(stateFolder !== undefined && { resourcePersistencePath: stateFolder }),
    workers: [
      {
        config: {
          name: 'twinroute',
          compatibilityDate: COMPATIBILITY_DATE,
          compatibilityFlags: COMPATIBILITY_FLAGS,
          manifest: { ...bundle, modulesRoot: '/' },
          env: {
            ENDPOINTS: { type: 'text', value: JSON.stringify(endpoints) },
            OUTBOUND: { type: 'text', value: 'loopback' },
            ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, { type: 'text' as const, value }])),
            ASSETS: { type: 'assets' },
            USAGE: { type: 'queue', name: USAGE_QUEUE },
            CONFIG: { type: 'kv', id: 'twinroute-config' },
            PACKS: { type: 'r2', name: 'twinroute-packs' },
            ANALYTICS: { type: 'analytics-engine-dataset', name: 'twinroute' },
            ...Object.fromEntries(
              Object.entries(DURABLE_OBJECTS).map(([binding, exportName]) => [
                binding,
                { type: 'durable-object' as const, worker: 'twinroute', exportName },
              ]),
            ),
          },
          triggers: [{ type: 'queue', name: USAGE_QUEUE, maxBatchSize: 100, maxBatchTimeout: 1, maxRetries: 100 }],
          exports: Object.fromEntries(
            Object.values(DURABLE_OBJECTS).map((name) => [name, { type: 'durable-object' as const, storage: 'sqlite' as const }]),
          ),
          assets: { directory: assetsFolder, hasUserWorker: true, runWorkerFirst: true },
        },
      },
    ],
  });
  const url = await miniflare.ready;
  release();
  return { url: url.origin, inspector: inspect ? await miniflare.getInspectorURL() : undefined, close: () => miniflare.dispose() };
}

/**
 * Miniflare ends the process on SIGINT and SIGTERM, which would cut off requests that are still under way; we close it ourselves.
 * @returns removes the listeners that were added meanwhile
 */
function watchSignals(): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const before = new Set(signals.flatMap((signal) => process.listeners(signal)));
  return () => {
    for (const signal of signals)
      for (const listener of process.listeners(signal)) if (!before.has(listener)) process.off(signal, listener);
  };
}
