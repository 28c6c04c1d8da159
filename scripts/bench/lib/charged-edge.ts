// The whole edge before a mock origin: the real Worker in workerd with keys, ledger, experiments, signed requests and the sample pack's router,
// or the same without keys. What it is asked is the same every time.

import { join } from 'node:path';
import * as z from 'zod/mini';
import type { WorkerBundle } from '../../../src/cli/dev/bundle-worker.ts';
import { startEdge, type EdgeOptions } from '../../../src/cli/dev/start-edge.ts';
import { parseWith } from '../../../src/contract/parse.ts';
import type { Pack } from '../../../src/formats/pack.ts';
import { generateKeySets } from '../../../src/formats/signing/generate-keys.ts';
import { startChildServer, type ChildServer } from './child-server.ts';
import type { MockOrigin } from './mock-origin.ts';
import { startPlainEdge, type PlainEdge } from './plain-workerd.ts';
import { workerdPids } from './workerd-process.ts';

/** A running edge. */
export interface ChargedEdge {
  readonly url: string;
  /** Headers that let a request in. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of workerd; 0 where there is no /proc. */
  readonly pid: number;
  readonly inspector: URL | undefined;
  /** Admin API: a GET's answer. */
  audit(path: string): Promise<unknown>;
  close(): Promise<void>;
}

/** What it stands on. */
export interface ChargedEdgeOptions {
  readonly pack: Pack;
  readonly bundle: WorkerBundle;
  readonly assetsFolder: string;
  readonly origin: MockStage;
  /** Folder for the Durable Objects and what else the edge writes. */
  readonly folder: string;
  /** workerd alone, or under miniflare as `twinroute dev` has it. */
  readonly host: 'workerd' | 'miniflare';
  /** Without keys nothing is charged either. */
  readonly keys: boolean;
  readonly inspect?: boolean;
  /** Variables that are left out. */
  readonly without?: readonly string[];
}

/** A mock origin and the keys that it shares with the edge. */
export interface MockStage {
  readonly server: ChildServer;
  /** JSON of the edge's key set. */
  readonly edgeKeys: string;
}

const ROOT = 'a root secret for benches, long enough';
const PRICES = { answer: { request: 100, per_1000_tokens: 1000 } };
const Made = z.object({ id: z.string() });
const Issued = z.object({ key: z.string() });

/** Starts the mock origin of a pack. */
export async function startMockOrigin(pack: Pack): Promise<MockStage> {
  const keys = await generateKeySets('hmac-sha256');
  const classes = Object.fromEntries(pack.manifest.experts.map(({ name, labels }) => [name, labels.length]));
  const told: MockOrigin = { keys: keys.origin, classes };
  const program = join(import.meta.dirname, 'mock-origin.ts');
  const server = await startChildServer([program], { ...process.env, MOCK_ORIGIN: JSON.stringify(told) }, /http:\/\/\S+/);
  return { server, edgeKeys: JSON.stringify(keys.edge) };
}

/** Starts the edge and makes its key. */
export async function startChargedEdge(options: ChargedEdgeOptions): Promise<ChargedEdge> {
  const { pack, bundle, assetsFolder, origin, folder, host, keys, inspect = false, without = [] } = options;
  const { config } = pack.manifest;
  const arms = ['a', 'b'].map((name) => ({ name, config, weight: 0.5 }));
  const variables: Record<string, string> = {
    // A line for every answer would measure the terminal; the peer writes none either.
    LOG_LEVEL: 'error',
    SIGNING_KEYS: origin.edgeKeys,
    EXPERIMENTS: JSON.stringify({ experiments: [{ key: 'bench', arms }] }),
    ...(keys && { ADMIN_SECRET: ROOT, PRICES: JSON.stringify(PRICES) }),
  };
  const given: EdgeOptions = {
    bundle,
    assetsFolder,
    endpoints: [{ id: 'mock', url: origin.server.url, experts: '*' }],
    stateFolder: join(folder, 'state'),
    variables: Object.fromEntries(Object.entries(variables).filter(([name]) => !without.includes(name))),
    port: 0,
    inspect,
  };
  const edge = host === 'workerd' ? await startPlainEdge(folder, given) : await startUnderMiniflare(given);
  const admin = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${edge.url}/admin/v1/${path}`, {
      headers: { authorization: `Bearer ${ROOT}`, 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    if (response.ok) return response.json();
    throw new Error(`charged edge: expected the admin API to answer, got ${response.status} ${await response.text()}`);
  };
  const issue = async (): Promise<Record<string, string>> => {
    const { id } = parseWith(Made, await admin('accounts', { name: 'bench' }), 'account', 'upstream');
    await admin(`accounts/${id}/credits`, { id: 'bench', micros: 1e12 });
    const { key } = parseWith(Issued, await admin(`accounts/${id}/keys`, { name: 'bench', scopes: ['predict'] }), 'key', 'upstream');
    return { authorization: `Bearer ${key}` };
  };
  return {
    url: edge.url,
    headers: keys ? await issue() : {},
    pid: edge.pid,
    inspector: edge.inspector,
    audit: (path) => admin(path),
    close: edge.close,
  };
}

async function startUnderMiniflare(given: EdgeOptions): Promise<PlainEdge> {
  const before = new Set(workerdPids());
  const edge = await startEdge(given);
  return { ...edge, pid: workerdPids().find((pid) => !before.has(pid)) ?? 0 };
}
