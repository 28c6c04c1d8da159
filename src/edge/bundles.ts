// The packs that were deployed with this Worker, read from its assets: index.json is deployed with the code, and names the hash of every edge.json.

import { EdgeIndex, type ConfigEntry } from '../contract/edge-bundle.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { RELEASE_LIMITS } from '../contract/release.ts';
import { TwinrouteError } from '../core/errors.ts';
import type { CreateSession } from '../model/session.ts';
import { loadConfig, readResponse, type DeployedConfig, type LoadedConfig } from './load-config.ts';
import { singleFlight } from './single-flight.ts';

/** The configs that answer requests. */
export interface Bundles {
  index(): Promise<EdgeIndex>;
  /**
   * @param config its id; the first of the index when undefined
   * @throws {TwinrouteError} `not_found` for an unknown id; `integrity` when bytes differ from their hash; `unavailable` when a file is missing
   */
  load(config: string | undefined): Promise<DeployedConfig>;
}

/** Those that were deployed. */
export interface AssetBundles extends Bundles {
  /** Frees the routers; nobody may use them any more, but what is loaded anew. */
  free(): Promise<void>;
}

/** What reading bundles needs. */
export interface BundleDeps {
  /** The asset of that path, relative to the folder of index.json. */
  readonly fetchAsset: (path: string) => Promise<Response>;
  readonly createSession: CreateSession;
  readonly keepAlive: (work: Promise<unknown>) => void;
}

/** Bundles over assets; each file is read once in an isolate's life. */
export function createBundles(deps: BundleDeps): AssetBundles {
  const index = singleFlight(async () => {
    const bytes = await readResponse(await deps.fetchAsset('index.json'), 'index.json', RELEASE_LIMITS.bundleBytes);
    const parsed = parseJsonWith(EdgeIndex, new TextDecoder().decode(bytes), 'index.json', 'integrity');
    if (parsed.configs.length > 0) return parsed;
    throw new TwinrouteError('unavailable', 'index.json: expected at least one config, got none');
  }, deps.keepAlive);
  const flights = new Map<string, () => Promise<LoadedConfig>>();
  return {
    index,
    async load(config) {
      const entry = entryOf((await index()).configs, config);
      const load = () => loadConfig({ ...deps, fetchFile: ({ path }) => deps.fetchAsset(path) }, entry);
      const flight = flights.get(entry.config) ?? singleFlight(load, deps.keepAlive);
      flights.set(entry.config, flight);
      return flight();
    },
    async free() {
      const loaded = Array.from(flights.values(), (flight) => flight());
      flights.clear();
      for (const result of await Promise.allSettled(loaded)) if (result.status === 'fulfilled') await result.value.free();
    },
  };
}

function entryOf(configs: readonly ConfigEntry[], config: string | undefined): ConfigEntry {
  const entry = config === undefined ? configs[0] : configs.find((candidate) => candidate.config === config);
  if (entry !== undefined) return entry;
  throw unknownConfig(config);
}

/** The refusal of a config that is not served. */
export function unknownConfig(config: string | undefined): TwinrouteError {
  return new TwinrouteError('not_found', `config: expected one that GET /v1/configs lists, got ${config}`, { param: 'config' });
}
