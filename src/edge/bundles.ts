// The packs that were deployed with this Worker, read from its assets. Nothing is used before its hash was checked: index.json is deployed
// with the code, it names the hash of every edge.json, which names the hash of its router.

import { EdgeBundle, EdgeIndex, type EdgeExpert } from '../contract/edge-bundle.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { TwinrouteError } from '../core/errors.ts';
import { createRouter, type Router } from '../model/router.ts';
import type { CreateSession } from '../model/session.ts';
import { readBounded } from '../contract/read-bounded.ts';
import { sha256Hex } from './sha256.ts';
import { singleFlight } from './single-flight.ts';

/** Largest index.json and edge.json; 10,000 experts fit. */
const JSON_BYTES = 16 << 20;
/** Largest router: what an isolate of 128 MB can hold beside onnxruntime. */
const ROUTER_BYTES = 32 << 20;

/** One deployed config. */
export interface DeployedConfig {
  readonly bundle: EdgeBundle;
  /** Experts by name. */
  readonly experts: ReadonlyMap<string, EdgeExpert>;
  /** The edge's router, compiled on first use; undefined when the origin alone routes. */
  readonly router: (() => Promise<Router>) | undefined;
}

/** The deployed configs. */
export interface Bundles {
  index(): Promise<EdgeIndex>;
  /**
   * @param config its id; the first of the index when undefined
   * @throws {TwinrouteError} `not_found` for an unknown id; `integrity` when bytes differ from their hash; `unavailable` when an asset is missing
   */
  load(config: string | undefined): Promise<DeployedConfig>;
}

/** What reading bundles needs. */
export interface BundleDeps {
  /** The asset of that path, relative to the folder of index.json. */
  readonly fetchAsset: (path: string) => Promise<Response>;
  readonly createSession: CreateSession;
  readonly keepAlive: (work: Promise<unknown>) => void;
}

/** Bundles over assets; each file is read once in an isolate's life. */
export function createBundles(deps: BundleDeps): Bundles {
  const index = singleFlight(async () => {
    const bytes = await readAsset(deps, 'index.json', JSON_BYTES);
    const parsed = parseJsonWith(EdgeIndex, new TextDecoder().decode(bytes), 'index.json', 'integrity');
    if (parsed.configs.length > 0) return parsed;
    throw new TwinrouteError('unavailable', 'index.json: expected at least one config, got none');
  }, deps.keepAlive);
  const flights = new Map<string, () => Promise<DeployedConfig>>();
  return {
    index,
    async load(config) {
      const { configs } = await index();
      const entry = config === undefined ? configs[0] : configs.find((candidate) => candidate.config === config);
      if (entry === undefined)
        throw new TwinrouteError('not_found', `config: expected one that GET /v1/configs lists, got ${config}`, { param: 'config' });
      const flight = flights.get(entry.config) ?? singleFlight(() => loadConfig(deps, entry.config, entry.sha256), deps.keepAlive);
      flights.set(entry.config, flight);
      return flight();
    },
  };
}

async function loadConfig(deps: BundleDeps, config: string, sha256: string): Promise<DeployedConfig> {
  const path = `${config}/edge.json`;
  const bytes = await readAsset(deps, path, JSON_BYTES);
  await expectHash(bytes, sha256, path);
  const bundle = parseJsonWith(EdgeBundle, new TextDecoder().decode(bytes), path, 'integrity');
  if (bundle.config !== config) throw new TwinrouteError('integrity', `${path}: expected config ${config}, got ${bundle.config}`);
  const { router } = bundle;
  return {
    bundle,
    experts: new Map(bundle.experts.map((expert) => [expert.name, expert])),
    router:
      router &&
      singleFlight(async () => {
        const routerPath = `${config}/${router.file}`;
        const model = await readAsset(deps, routerPath, Math.min(router.bytes, ROUTER_BYTES));
        await expectHash(model, router.sha256, routerPath);
        return createRouter(await deps.createSession(model), router);
      }, deps.keepAlive),
  };
}

async function readAsset(deps: BundleDeps, path: string, limitBytes: number): Promise<Uint8Array> {
  const response = await deps.fetchAsset(path);
  if (!response.ok) throw new TwinrouteError('unavailable', `assets: expected ${path}, got status ${response.status}`);
  return readBounded(
    response,
    limitBytes,
    () => new TwinrouteError('integrity', `${path}: expected at most ${limitBytes} bytes, got more`),
  );
}

async function expectHash(bytes: Uint8Array, sha256: string, path: string): Promise<void> {
  const got = await sha256Hex(bytes);
  if (got !== sha256) throw new TwinrouteError('integrity', `${path}: expected sha256 ${sha256}, got ${got}`);
}
