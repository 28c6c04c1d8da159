// How much one process of workerd answers, and where its time goes: POST /v1/predict before a mock origin, as fast as 32 clients can.
//
//   node scripts/bench/throughput.bench.ts [--pack packs/sample] [--rounds 8] [--requests 320] [--seed 0] [--profile FILE] [--json FILE]
//
// Each way is the whole edge with a part left out, so that the CPU time of that part is a difference of two processes' own clocks, which other work
// on the machine hardly disturbs; ways take turns in a drawn order. The profile is of another run: profiling costs time itself.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeEdgeAssets } from '../../src/build/edge-assets.ts';
import { bundleWorker } from '../../src/cli/dev/bundle-worker.ts';
import { withPack } from '../../src/cli/open-pack-folder.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { table } from '../../src/cli/table.ts';
import { createRandom } from '../../src/core/random.ts';
import { createSha256 } from '../../src/host/files.ts';
import { startChargedEdge, startMockOrigin, type ChargedEdge } from './lib/charged-edge.ts';
import { cpuSeconds } from './lib/child-server.ts';
import { profileIsolate, type ProfileShares } from './lib/cpu-profile.ts';
import { oneConnection } from './lib/one-connection.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import { estimateQuantiles, median, type Estimate } from './lib/statistics.ts';

const { values: options } = parseArgs({
  options: {
    pack: { type: 'string', default: join(PACKAGE_ROOT, 'packs/sample') },
    rounds: { type: 'string', default: '8' },
    requests: { type: 'string', default: '320' },
    seed: { type: 'string', default: '0' },
    profile: { type: 'string' },
    json: { type: 'string' },
  },
});

const CLIENTS = 32;
const WARM_UP = 2000;
const PROFILED = 3000;
const TEXT = 'A quiet little film that never finds its feet, though the cast try hard and the music helps now and then.';
const NAMED_EXPERT = 'sst2';

interface Way {
  readonly name: string;
  readonly keys: boolean;
  readonly without: readonly string[];
  /** Names an expert, so that the router does not run. */
  readonly task?: string;
}

const WAYS: readonly Way[] = [
  { name: 'all of it', keys: true, without: [] },
  { name: 'without keys and ledger', keys: false, without: [] },
  { name: '… without signing', keys: false, without: ['SIGNING_KEYS'] },
  { name: '… without experiments', keys: false, without: ['SIGNING_KEYS', 'EXPERIMENTS'] },
  { name: '… without the router', keys: false, without: ['SIGNING_KEYS', 'EXPERIMENTS'], task: NAMED_EXPERT },
];

/** What one way gave. */
export interface ThroughputFigures {
  readonly name: string;
  /** Medians over rounds. */
  readonly requestsPerSecond: number;
  readonly cpuMs: Estimate;
  readonly p50: number;
}

/** What `--json` writes. */
export interface ThroughputReport {
  readonly facts: RunFacts;
  readonly seed: number;
  readonly rounds: number;
  readonly ways: readonly ThroughputFigures[];
  readonly profiles: readonly { readonly name: string; readonly shares: ProfileShares }[];
}

interface Turn {
  readonly times: readonly number[];
  readonly perSecond: number;
  readonly cpuMs: number;
}

async function takeTurn(edge: ChargedEdge, { task }: Pick<Way, 'task'>, requests: number): Promise<Turn> {
  const clients = Array.from({ length: CLIENTS }, () => oneConnection(edge.url));
  const times: number[] = [];
  const cpu = cpuSeconds(edge.pid);
  const startedAt = performance.now();
  let sent = 0;
  await Promise.all(
    clients.map(async (client) => {
      while (sent < requests) {
        const body = JSON.stringify({ text: TEXT, user: `u${sent++ % 500}`, task });
        const { status, milliseconds, body: text } = await client.post('/v1/predict', body, edge.headers);
        if (status !== 200) throw new Error(`throughput.bench: expected an answer, got status ${status}: ${text.slice(0, 300)}`);
        times.push(milliseconds);
      }
      client.close();
    }),
  );
  const perSecond = (1000 * times.length) / (performance.now() - startedAt);
  return { times, perSecond, cpuMs: (1000 * (cpuSeconds(edge.pid) - cpu)) / times.length };
}

function describe({ ways, profiles, rounds }: ThroughputReport): string {
  return [
    `POST /v1/predict with ${CLIENTS} clients, ${rounds} rounds; medians, CPU of workerd with a 95 % bootstrap interval`,
    table(
      ['way', 'a second', 'CPU ms a request', 'p50 ms'],
      ways.map(({ name, requestsPerSecond, cpuMs: { value, low, high }, p50 }) => [
        name,
        requestsPerSecond.toFixed(0),
        `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`,
        p50.toFixed(1),
      ]),
    ),
    ...profiles.flatMap(({ name, shares: { byFile, byFunction } }) => [
      '',
      `Profile, ${name}: self time by file, and by function, of what is not idle`,
      table(
        ['file', 'share', 'function', 'share'],
        byFile
          .slice(0, 20)
          .map(({ where, share }, i) => [
            where,
            `${(100 * share).toFixed(1)} %`,
            byFunction[i]?.where ?? '',
            `${(100 * (byFunction[i]?.share ?? 0)).toFixed(1)} %`,
          ]),
      ),
    ]),
  ].join('\n');
}

const facts = runFacts();
const folder = mkdtempSync(join(tmpdir(), 'twinroute-throughput-'));
const closers: (() => Promise<void>)[] = [];
try {
  const report = await withPack(options.pack, async (pack): Promise<ThroughputReport> => {
    const random = createRandom(Number(options.seed), 'throughput.bench');
    const assetsFolder = join(folder, 'assets');
    await writeEdgeAssets([pack], assetsFolder, createSha256);
    const bundle = await bundleWorker(join(folder, 'worker'));
    const script = new TextDecoder().decode(bundle.modules[bundle.mainModule].contents);
    const origin = await startMockOrigin(pack);
    closers.push(origin.server.close);
    const given = { pack, bundle, assetsFolder, origin, host: 'workerd' as const };
    const edges = new Map<Way, ChargedEdge>();
    for (const [i, way] of WAYS.entries()) {
      const edge = await startChargedEdge({ ...given, folder: join(folder, `way-${i}`), keys: way.keys, without: way.without });
      closers.push(edge.close);
      edges.set(way, edge);
    }
    console.error('— warming up');
    for (const [way, edge] of edges) await takeTurn(edge, way, WARM_UP);
    console.error('— rounds');
    const turns = new Map(WAYS.map((way) => [way, new Array<Turn>()]));
    const order = [...edges];
    for (let round = 0; round < Number(options.rounds); round++)
      for (const [way, edge] of random.shuffle(order)) turns.get(way)?.push(await takeTurn(edge, way, Number(options.requests)));
    const profiles = [];
    for (const [i, way] of WAYS.slice(0, 2).entries()) {
      console.error(`— profile, ${way.name}`);
      const edge = await startChargedEdge({ ...given, folder: join(folder, `profile-${i}`), keys: way.keys, inspect: true });
      closers.push(edge.close);
      await takeTurn(edge, way, WARM_UP);
      if (edge.inspector === undefined) throw new Error('throughput.bench: expected an inspector, got none');
      const file = options.profile === undefined ? undefined : `${options.profile}.${i}.cpuprofile`;
      const during = async (): Promise<void> => void (await takeTurn(edge, way, PROFILED));
      profiles.push({ name: way.name, shares: await profileIsolate(edge.inspector, 'main', script, during, file) });
    }
    const ways = WAYS.map((way): ThroughputFigures => {
      const own = turns.get(way) ?? [];
      return {
        name: way.name,
        requestsPerSecond: median(own.map(({ perSecond }) => perSecond)),
        cpuMs: estimateQuantiles(
          own.map(({ cpuMs }) => cpuMs),
          [0.5],
          random,
        )[0],
        p50: median(own.flatMap(({ times }) => times)),
      };
    });
    return { facts, seed: Number(options.seed), rounds: Number(options.rounds), ways, profiles };
  });
  publish(options.json, report, () => describe(report));
} finally {
  for (const close of closers.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
}
