// What the whole edge adds to a call of an origin, beside what Portkey's gateway adds to one.
//
//   node scripts/bench/gateway.bench.ts [--pack packs/sample] [--pairs 1500] [--rounds 12] [--seed 0] [--json FILE]
//
// Ours does all that it does for a customer: a key, an experiment's arm, routing by content, a signed request and a verified receipt, credit
// reserved and charged in a Durable Object on disk. Portkey's does its least: one target, no config. Both stand before the same mock origin, a
// process of its own that computes nothing; each is compared with direct calls of the same endpoint of it. Sequentially every way takes its turn on
// a connection of its own, in a drawn order, so that a pair is a few milliseconds apart; with 16 clients ways take turns of 160 requests.

import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeEdgeAssets } from '../../src/build/edge-assets.ts';
import { bundleWorker } from '../../src/cli/dev/bundle-worker.ts';
import { withPack } from '../../src/cli/open-pack-folder.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { table } from '../../src/cli/table.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import type { Pack } from '../../src/formats/pack.ts';
import { createSha256 } from '../../src/host/files.ts';
import { startChargedEdge, startMockOrigin, type ChargedEdge } from './lib/charged-edge.ts';
import { cpuSeconds } from './lib/child-server.ts';
import { oneConnection, type OneConnection } from './lib/one-connection.ts';
import { PORTKEY, startPortkey } from './lib/portkey.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import { estimateQuantiles, median, type Estimate } from './lib/statistics.ts';

const { values: options } = parseArgs({
  options: {
    pack: { type: 'string', default: join(PACKAGE_ROOT, 'packs/sample') },
    pairs: { type: 'string', default: '1500' },
    rounds: { type: 'string', default: '12' },
    seed: { type: 'string', default: '0' },
    json: { type: 'string' },
  },
});

const CLIENTS = 16;
/** Requests of one turn with many clients, and before anything is measured. */
const TURN = 160;
const WARM_UP = 2000;
const QUANTILES = [0.5, 0.99] as const;
const TEXT = 'A quiet little film that never finds its feet, though the cast try hard and the music helps now and then.';

/** What one way to an answer gave. */
export interface WayFigures {
  readonly name: string;
  /** Sequential calls, milliseconds: whole time, and what is beyond the direct call of the pair; p50, p99. */
  readonly whole: readonly Estimate[];
  readonly added: readonly Estimate[];
  /** The same with 16 clients, added as the difference of medians of a round. */
  readonly busy: readonly Estimate[];
  readonly busyAdded: Estimate;
  readonly requestsPerSecond: number;
  /** Of the server's process, milliseconds a request, with 16 clients. */
  readonly cpuMs: number;
}

/** What `--json` writes. */
export interface GatewayReport {
  readonly facts: RunFacts;
  readonly seed: number;
  readonly pairs: number;
  readonly rounds: number;
  readonly peer: string;
  readonly ways: readonly WayFigures[];
  /** Median of (what ours adds − what the peer adds) within pairs, milliseconds; absent without the peer. */
  readonly difference?: Estimate;
}

/** One way to an answer. */
interface Way {
  readonly name: string;
  /** Whose call it is compared with; itself for a direct one. */
  readonly direct: string;
  readonly pid: number;
  readonly url: string;
  readonly path: string;
  readonly body: (i: number) => string;
  readonly headers: Readonly<Record<string, string>>;
}

const OURS = 'twinroute, all of it';
const THEIRS = 'Portkey, its least';

async function ask({ path, body, headers }: Way, client: OneConnection, i: number): Promise<number> {
  const { status, milliseconds, body: text } = await client.post(path, body(i), headers);
  if (status === 200) return milliseconds;
  throw new Error(`gateway.bench: expected an answer of ${path}, got status ${status}: ${text.slice(0, 300)}`);
}

/** Sequential times, milliseconds, by way; those of one index belong together. */
async function measurePairs(ways: readonly Way[], pairs: number, random: Random): Promise<Map<string, number[]>> {
  const clients = new Map(ways.map((way) => [way, oneConnection(way.url)]));
  const times = new Map(ways.map(({ name }) => [name, new Array<number>()]));
  const order = [...ways];
  for (let i = 0; i < pairs; i++)
    for (const way of random.shuffle(order)) times.get(way.name)?.push(await ask(way, clients.get(way) ?? oneConnection(way.url), i));
  for (const client of clients.values()) client.close();
  return times;
}

interface Turn {
  readonly times: readonly number[];
  readonly seconds: number;
  readonly cpu: number;
}

async function takeTurn(way: Way, requests: number): Promise<Turn> {
  const clients = Array.from({ length: CLIENTS }, () => oneConnection(way.url));
  const times: number[] = [];
  const cpu = cpuSeconds(way.pid);
  const startedAt = performance.now();
  let sent = 0;
  await Promise.all(
    clients.map(async (client) => {
      while (sent < requests) times.push(await ask(way, client, sent++));
      client.close();
    }),
  );
  return { times, seconds: (performance.now() - startedAt) / 1000, cpu: cpuSeconds(way.pid) - cpu };
}

async function measureBusy(ways: readonly Way[], rounds: number, random: Random): Promise<Map<string, Turn[]>> {
  const turns = new Map(ways.map(({ name }) => [name, new Array<Turn>()]));
  const order = [...ways];
  for (let round = 0; round < rounds; round++)
    for (const way of random.shuffle(order)) turns.get(way.name)?.push(await takeTurn(way, TURN));
  return turns;
}

function figuresOf(ways: readonly Way[], pairs: Map<string, number[]>, turns: Map<string, Turn[]>, random: Random): WayFigures[] {
  const beyond = (name: string, direct: string): number[] => differences(pairs.get(name) ?? [], pairs.get(direct) ?? []);
  const medians = (name: string): number[] => (turns.get(name) ?? []).map(({ times }) => median(times));
  return ways.map(({ name, direct }) => {
    const own = turns.get(name) ?? [];
    const requests = own.reduce((total, { times }) => total + times.length, 0);
    const total = (pick: (turn: Turn) => number): number => own.reduce((sum, turn) => sum + pick(turn), 0);
    return {
      name,
      whole: estimateQuantiles(pairs.get(name) ?? [], QUANTILES, random),
      added: estimateQuantiles(beyond(name, direct), QUANTILES, random),
      busy: estimateQuantiles(
        own.flatMap(({ times }) => times),
        QUANTILES,
        random,
      ),
      busyAdded: estimateQuantiles(differences(medians(name), medians(direct)), [0.5], random)[0],
      requestsPerSecond: requests / total(({ seconds }) => seconds),
      cpuMs: (1000 * total(({ cpu }) => cpu)) / requests,
    };
  });
}

function differences(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value - b[i]);
}

/** Ways through our edge. */
function ourWay(name: string, { url, headers, pid }: ChargedEdge): Way {
  return {
    name,
    direct: 'direct, OIP',
    pid,
    url,
    path: '/v1/predict',
    headers,
    body: (i) => JSON.stringify({ text: TEXT, user: `u${i % 500}` }),
  };
}

function directWays(pack: Pack, { url, pid }: { readonly url: string; readonly pid: number }): Way[] {
  const [expert] = pack.manifest.experts;
  const tensor = (name: string, value: string) => ({ name, datatype: 'BYTES', shape: [1], data: [value] });
  const oip = JSON.stringify({ id: 'direct', inputs: [tensor('text', TEXT), tensor('head', expert.name)] });
  const path = `/v2/models/${pack.manifest.name}/versions/${pack.manifest.config}/infer`;
  return [
    { name: 'direct, OIP', direct: 'direct, OIP', pid, url, path, headers: {}, body: () => oip },
    { name: 'direct, chat', direct: 'direct, chat', pid, url, path: '/v1/chat/completions', headers: BEARER, body: chatBody },
  ];
}

const BEARER = { authorization: 'Bearer sk-mock' };
const chatBody = (i: number): string => JSON.stringify({ model: 'mock', messages: [{ role: 'user', content: TEXT }], user: `u${i % 500}` });

function theirWay(url: string, pid: number, origin: string): Way {
  const headers = { ...BEARER, 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${origin}/v1` };
  return { name: THEIRS, direct: 'direct, chat', pid, url, path: '/v1/chat/completions', headers, body: chatBody };
}

function describe({ ways, difference, pairs, rounds, peer }: GatewayReport): string {
  const ms = ({ value, low, high }: Estimate): string => `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  return [
    `${pairs} pairs one after another, ${rounds} rounds of ${TURN} requests with ${CLIENTS} clients; peer ${peer}; milliseconds with 95 % bootstrap intervals`,
    table(
      ['way', 'p50', 'added p50', 'added p99', '16 clients: p50', 'added p50', 'p99', 'a second', 'CPU ms a request'],
      ways.map(({ name, whole, added, busy, busyAdded, requestsPerSecond, cpuMs }) => [
        name,
        whole[0].value.toFixed(2),
        ms(added[0]),
        ms(added[1]),
        busy[0].value.toFixed(2),
        ms(busyAdded),
        busy[1].value.toFixed(1),
        requestsPerSecond.toFixed(0),
        cpuMs.toFixed(2),
      ]),
    ),
    difference === undefined ? '' : `ours − theirs, added p50 within pairs: ${ms(difference)}`,
  ].join('\n');
}

const facts = runFacts();
const seed = Number(options.seed);
const folder = mkdtempSync(join(tmpdir(), 'twinroute-gateway-'));
const closers: (() => Promise<void>)[] = [];
try {
  const report = await withPack(options.pack, async (pack): Promise<GatewayReport> => {
    const random = createRandom(seed, 'gateway.bench');
    const assetsFolder = join(folder, 'assets');
    await writeEdgeAssets([pack], assetsFolder, createSha256);
    const bundle = await bundleWorker(join(folder, 'worker'));
    const origin = await startMockOrigin(pack);
    closers.push(origin.server.close);
    const edgeOf = async (host: 'workerd' | 'miniflare', keys: boolean): Promise<ChargedEdge> => {
      const edge = await startChargedEdge({ pack, bundle, assetsFolder, origin, folder: join(folder, `${host}-${keys}`), host, keys });
      closers.push(edge.close);
      return edge;
    };
    mkdirSync(join(folder, 'peer'));
    const peer = await startPortkey(join(folder, 'peer'));
    if (peer !== undefined) closers.push(peer.close);
    const ways = [
      ...directWays(pack, origin.server),
      ourWay(OURS, await edgeOf('workerd', true)),
      ourWay('twinroute without keys and ledger', await edgeOf('workerd', false)),
      ourWay('twinroute, all of it, under miniflare as in dev', await edgeOf('miniflare', true)),
      ...(peer === undefined ? [] : [theirWay(peer.url, peer.pid, origin.server.url)]),
    ];
    console.error('— warming up');
    for (const way of ways) await takeTurn(way, WARM_UP);
    console.error('— one after another');
    const pairs = await measurePairs(ways, Number(options.pairs), random);
    console.error(`— ${CLIENTS} clients`);
    const turns = await measureBusy(ways, Number(options.rounds), random);
    const added = (way: string, direct: string): number[] => differences(pairs.get(way) ?? [], pairs.get(direct) ?? []);
    const apart = differences(added(OURS, 'direct, OIP'), added(THEIRS, 'direct, chat'));
    return {
      facts,
      seed,
      pairs: Number(options.pairs),
      rounds: Number(options.rounds),
      peer: PORTKEY,
      ways: figuresOf(ways, pairs, turns, random),
      ...(peer !== undefined && { difference: estimateQuantiles(apart, [0.5], random)[0] }),
    };
  });
  publish(options.json, report, () => describe(report));
} finally {
  for (const close of closers.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
}
