// One config, read from wherever its files lie. Nothing is used before its hash was checked: the caller knows the hash of edge.json, which names
// those of router and tokenizer.

import { EdgeBundle, type ConfigEntry, type EdgeExpert } from '../contract/edge-bundle.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { readBounded } from '../contract/read-bounded.ts';
import { RELEASE_LIMITS } from '../contract/release.ts';
import { TwinrouteError } from '../core/errors.ts';
import { createTokenizer, type Tokenizer } from '../formats/tokenizer.ts';
import { createRouter, type Router } from '../model/router.ts';
import type { CreateSession, Session } from '../model/session.ts';
import { sha256Hex } from './sha256.ts';
import { singleFlight } from './single-flight.ts';

/** One deployed config. */
export interface DeployedConfig {
  readonly bundle: EdgeBundle;
  /** Experts by name. */
  readonly experts: ReadonlyMap<string, EdgeExpert>;
  /** The edge's router, compiled on first use; undefined when the origin alone routes. */
  readonly router: (() => Promise<Router>) | undefined;
  /** The pack's tokenizer, read on first use; undefined where the assets have none. */
  readonly tokenizer?: (() => Promise<Tokenizer>) | undefined;
}

/** A config that can be given up. */
export interface LoadedConfig extends DeployedConfig {
  /** Frees the router; nobody may use it any more. */
  free(): Promise<void>;
}

/** A file of a config: where it lies among assets, and its hash. */
export interface ConfigFile {
  /** Relative to the folder of index.json. */
  readonly path: string;
  readonly sha256: string;
}

/** What loading needs. */
export interface LoadDeps {
  readonly fetchFile: (file: ConfigFile) => Promise<Response>;
  readonly createSession: CreateSession;
  readonly keepAlive: (work: Promise<unknown>) => void;
}

/**
 * The config of an entry.
 * @throws {TwinrouteError} `integrity` when bytes differ from their hash; `unavailable` when a file is missing. The router's errors come when it is used
 */
export async function loadConfig(deps: LoadDeps, { config, sha256 }: ConfigEntry): Promise<LoadedConfig> {
  const { bundle } = await readBundle(deps.fetchFile, { config, sha256 });
  const { router, tokenizer } = bundle;
  let session: Session | undefined;
  return {
    bundle,
    experts: new Map(bundle.experts.map((expert) => [expert.name, expert])),
    router:
      router &&
      singleFlight(async () => {
        const model = await readFile(deps.fetchFile, besideBundle(config, router), Math.min(router.bytes, RELEASE_LIMITS.routerBytes));
        session = await deps.createSession(model);
        return createRouter(session, router);
      }, deps.keepAlive),
    tokenizer:
      tokenizer &&
      singleFlight(async () => {
        const json = new TextDecoder().decode(await readFile(deps.fetchFile, besideBundle(config, tokenizer), tokenizer.bytes));
        return createTokenizer(json, tokenizer.config_json, tokenizer.max_tokens);
      }, deps.keepAlive),
    free: async () => session?.release(),
  };
}

/** A config's edge.json, and its bytes. */
export async function readBundle(
  fetchFile: LoadDeps['fetchFile'],
  { config, sha256 }: Pick<ConfigEntry, 'config' | 'sha256'>,
): Promise<{ readonly bundle: EdgeBundle; readonly bytes: Uint8Array }> {
  const path = `${config}/edge.json`;
  const bytes = await readFile(fetchFile, { path, sha256 }, RELEASE_LIMITS.bundleBytes);
  const bundle = parseJsonWith(EdgeBundle, new TextDecoder().decode(bytes), path, 'integrity');
  if (bundle.config !== config) throw new TwinrouteError('integrity', `${path}: expected config ${config}, got ${bundle.config}`);
  return { bundle, bytes };
}

/** A file that edge.json names: the router or the tokenizer. */
export function besideBundle(config: string, { file, sha256 }: { readonly file: string; readonly sha256: string }): ConfigFile {
  return { path: `${config}/${file}`, sha256 };
}

/**
 * A file's bytes, after their hash was found to be the one that is wanted.
 * @throws {TwinrouteError} `integrity` for other bytes or too many; `unavailable` when there are none
 */
export async function readFile(fetchFile: LoadDeps['fetchFile'], file: ConfigFile, limitBytes: number): Promise<Uint8Array> {
  const bytes = await readResponse(await fetchFile(file), file.path, limitBytes);
  const got = await sha256Hex(bytes);
  if (got === file.sha256) return bytes;
  throw new TwinrouteError('integrity', `${file.path}: expected sha256 ${file.sha256}, got ${got}`);
}

/** All bytes of a response that is one. */
export async function readResponse(response: Response, path: string, limitBytes: number): Promise<Uint8Array> {
  if (!response.ok) throw new TwinrouteError('unavailable', `${path}: expected a file, got status ${response.status}`);
  return readBounded(
    response,
    limitBytes,
    () => new TwinrouteError('integrity', `${path}: expected at most ${limitBytes} bytes, got more`),
  );
}
