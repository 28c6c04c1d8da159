// The Worker of given packs, ready to be started in workerd before any endpoints, as often as a test wants.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeEdgeAssets } from '../../src/build/edge-assets.ts';
import { bundleWorker } from '../../src/cli/dev/bundle-worker.ts';
import { startEdge, type RunningEdge } from '../../src/cli/dev/start-edge.ts';
import type { Endpoint } from '../../src/contract/endpoint.ts';
import type { Pack } from '../../src/formats/pack.ts';
import { createSha256 } from '../../src/host/files.ts';

/** Starts edges. */
export interface PreparedEdge {
  /**
   * Starts one, which the caller closes.
   * @param endpoints their addresses by id; each has all experts
   * @param kept its objects find what the edge before it left; they start empty otherwise
   */
  start(endpoints: Readonly<Record<string, string>>, variables?: Readonly<Record<string, string>>, kept?: 'kept'): Promise<RunningEdge>;
  /** Forgets bundle and state. */
  remove(): Promise<void>;
}

/** Bundles the Worker with the packs' assets; the packs may be closed afterwards. */
export async function prepareEdge(packs: readonly Pack[]): Promise<PreparedEdge> {
  const work = await mkdtemp(join(tmpdir(), 'twinroute-edge-'));
  const assetsFolder = join(work, 'assets');
  await writeEdgeAssets(packs, assetsFolder, createSha256);
  const bundle = await bundleWorker(join(work, 'worker'));
  return {
    start: (addresses, variables = {}, kept) =>
      startEdge({
        bundle,
        assetsFolder,
        endpoints: Object.entries(addresses).map(([id, url]): Endpoint => ({ id, url, experts: '*' })),
        stateFolder: kept && join(work, 'state'),
        variables,
        port: 0,
      }),
    remove: () => rm(work, { recursive: true, force: true }),
  };
}
