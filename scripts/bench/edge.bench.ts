// What the router costs inside workerd, measured from outside: POST /v1/route beside a no-op of the same Worker with the same body.
//
//   node scripts/bench/edge.bench.ts [--pack packs/sample] [--pairs 2000] [--starts 5] [--requests 10000] [--seed 0] [--json FILE]
//
// The no-op is POST /v1/no-op: it travels the same connection, entry, isolate, hono app and middleware, and ends in the 404 that answers
// unknown paths. It does not read the body, so the difference charges the router with reading, parsing and checking it as well. Both
// requests of a pair carry the same text, in a drawn order; all cases take turns on one connection that is kept alive.
// Memory is of another start, whose isolate is asked through workerd's inspector; times are taken without one. Compiled code is in the
// process's figure only. That figure grows with no-ops alike and levels off (0.43 GB after 10,000 no-ops, 0.8 to 0.9 GB from 20,000 requests on):
// it belongs to workerd under miniflare, not to this isolate.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeEdgeAssets } from '../../src/build/edge-assets.ts';
import { bundleWorker, type WorkerBundle } from '../../src/cli/dev/bundle-worker.ts';
import { startEdge } from '../../src/cli/dev/start-edge.ts';
import { withPack } from '../../src/cli/open-pack-folder.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { table } from '../../src/cli/table.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import type { Pack } from '../../src/formats/pack.ts';
import { createTokenizer } from '../../src/formats/tokenizer.ts';
import { createSha256 } from '../../src/host/files.ts';
import { englishText } from './lib/english.ts';
import { isolateMemory, type IsolateMemory } from './lib/isolate-memory.ts';
import { oneConnection, type OneConnection } from './lib/one-connection.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import { estimateQuantiles, median, type Estimate } from './lib/statistics.ts';
import { workerdRssBytes } from './lib/workerd-process.ts';

const { values: options } = parseArgs({
  options: {
    pack: { type: 'string', default: join(PACKAGE_ROOT, 'packs/sample') },
    pairs: { type: 'string', default: '2000' },
    starts: { type: 'string', default: '5' },
    requests: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '0' },
    json: { type: 'string' },
  },
});

const ROUTE = '/v1/route';
const NO_OP = '/v1/no-op';
/** Tokens of each case, without [CLS] and [SEP]. */
const CASES = [
  { name: '1 word', tokens: [1] },
  { name: '64 tokens', tokens: [64] },
  { name: '256 tokens', tokens: [256] },
  { name: 'pair of 128', tokens: [128, 128] },
  { name: '2,000 tokens', tokens: [2000] },
] as const;
/** Different texts of a case, so that neither branch predictors nor caches learn one by heart. */
const TEXTS = 32;
const WARM_UP_ROUNDS = 200;
const QUANTILES = [0.5, 0.9, 0.99] as const;

/** Times of one case, milliseconds. */
interface CaseFigures {
  readonly name: string;
  readonly meanChars: number;
  readonly pairs: number;
  /** Median of /v1/route over the median of the no-op. */
  readonly ratio: number;
  /** /v1/route − no-op within a pair, at p50, p90, p99. */
  readonly difference: readonly Estimate[];
  readonly route: readonly Estimate[];
  readonly noOp: readonly Estimate[];
}

/** Memory at one moment, bytes. */
interface MemoryFigures extends IsolateMemory {
  readonly requests: number;
  /** Heap pages, buffers and WebAssembly together. */
  readonly isolate: number;
  /** Of the workerd process: this isolate, miniflare's own ones, and the runtime. */
  readonly processRss: number | undefined;
}

/** What `--json` writes. */
export interface EdgeReport {
  readonly facts: RunFacts;
  readonly seed: number;
  readonly pack: string;
  readonly bytes: { readonly router: number; readonly bundle: number };
  /** First answers of a fresh workerd, medians in milliseconds: the isolate's (a no-op), then the router session's (a route). */
  readonly cold: { readonly starts: number; readonly isolateMs: number; readonly sessionMs: number };
  /** Connections that the timed requests took. */
  readonly connections: number;
  readonly cases: readonly CaseFigures[];
  readonly memory: readonly MemoryFigures[];
}

interface Case {
  readonly name: string;
  readonly bodies: readonly string[];
  readonly meanChars: number;
}

async function makeCases(pack: Pack, random: Random): Promise<Case[]> {
  const { file, config_file: configFile } = pack.manifest.tokenizer;
  const tokenizer = createTokenizer(await pack.text(file), await pack.text(configFile), 4096);
  const counts = new Map<string, number>();
  const count = (text: string): number => {
    const known = counts.get(text) ?? tokenizer.encode(text).ids.length - 2;
    counts.set(text, known);
    return known;
  };
  return CASES.map(({ name, tokens }) => {
    const texts = Array.from({ length: TEXTS }, () => tokens.map((length) => englishText(length, count, random)));
    return {
      name,
      bodies: texts.map(([text, pair]) => JSON.stringify({ text, text_pair: pair })),
      meanChars: texts.reduce((sum, parts) => sum + parts.join('').length, 0) / TEXTS,
    };
  });
}

async function timed(client: OneConnection, path: string, body: string): Promise<number> {
  const { status, milliseconds, body: answer } = await client.post(path, body);
  if (status === (path === ROUTE ? 200 : 404)) return milliseconds;
  throw new Error(`edge.bench: expected an answer of ${path}, got status ${status}: ${answer.slice(0, 200)}`);
}

async function measureCases(client: OneConnection, cases: readonly Case[], pairs: number, random: Random): Promise<CaseFigures[]> {
  const times = cases.map(() => ({ route: new Array<number>(), noOp: new Array<number>() }));
  const order = [...cases.keys()];
  for (let round = -WARM_UP_ROUNDS; round < pairs; round++) {
    for (const c of random.shuffle(order)) {
      const body = cases[c].bodies[random.below(TEXTS)];
      const routeFirst = random.below(2) === 0;
      const first = await timed(client, routeFirst ? ROUTE : NO_OP, body);
      const second = await timed(client, routeFirst ? NO_OP : ROUTE, body);
      if (round < 0) continue;
      times[c].route.push(routeFirst ? first : second);
      times[c].noOp.push(routeFirst ? second : first);
    }
  }
  return cases.map(({ name, meanChars }, c) => {
    const { route, noOp } = times[c];
    const difference = route.map((milliseconds, i) => milliseconds - noOp[i]);
    return {
      name,
      meanChars,
      pairs: route.length,
      ratio: median(route) / median(noOp),
      difference: estimateQuantiles(difference, QUANTILES, random),
      route: estimateQuantiles(route, QUANTILES, random),
      noOp: estimateQuantiles(noOp, QUANTILES, random),
    };
  });
}

/** Memory after the no-op that starts the isolate, after the first route, and at a tenth and the whole of `requests`. */
async function measureMemory(
  bundle: WorkerBundle,
  assetsFolder: string,
  bodies: readonly string[],
  requests: number,
): Promise<MemoryFigures[]> {
  const edge = await startEdge({ bundle, assetsFolder, endpoints: [], port: 0, inspect: true });
  const client = oneConnection(edge.url);
  try {
    const { inspector } = edge;
    if (inspector === undefined) throw new Error('edge.bench: expected an inspector, got none');
    const figures: MemoryFigures[] = [];
    let sent = 0;
    await timed(client, NO_OP, bodies[0]);
    for (const until of [0, 1, Math.ceil(requests / 10), requests]) {
      for (; sent < until; sent++) await timed(client, ROUTE, bodies[sent % bodies.length]);
      const memory = await isolateMemory(inspector, 'twinroute');
      figures.push({ requests: sent, ...memory, isolate: memory.heapTotal + memory.buffers + memory.wasm, processRss: workerdRssBytes() });
    }
    return figures;
  } finally {
    client.close();
    await edge.close();
  }
}

function describe({ bytes, cold, connections, cases, memory }: EdgeReport): string {
  const mb = (size: number | undefined): string => (size === undefined ? '?' : (size / 1e6).toFixed(1));
  const ms = ({ value, low, high }: Estimate): string => `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  return [
    'POST /v1/route and a no-op of the same Worker with the same body; milliseconds with 95 % bootstrap intervals',
    table(
      ['text', 'characters', 'route / no-op', 'difference p50', 'difference p90', 'difference p99', 'route p50', 'no-op p50', 'pairs'],
      cases.map(({ name, meanChars, ratio, difference, route, noOp, pairs }) => [
        name,
        meanChars.toFixed(0),
        ratio.toFixed(2),
        ...difference.map(ms),
        route[0].value.toFixed(3),
        noOp[0].value.toFixed(3),
        String(pairs),
      ]),
    ),
    `connections ${connections}; cold: isolate with its first no-op ${cold.isolateMs.toFixed(0)} ms, router session with its first route ${cold.sessionMs.toFixed(0)} ms (medians of ${cold.starts} starts)`,
    `router file ${(bytes.router / 1e6).toFixed(2)} MB; Worker bundle ${(bytes.bundle / 2 ** 20).toFixed(2)} MiB raw`,
    '',
    'Memory after so many routed requests, MB; isolate = heap pages + buffers + WebAssembly',
    table(
      ['requests', 'isolate', 'heap used', 'heap pages', 'buffers', 'WebAssembly', 'workerd process RSS'],
      memory.map(({ requests, isolate, heapUsed, heapTotal, buffers, wasm, processRss }) => [
        String(requests),
        ...[isolate, heapUsed, heapTotal, buffers, wasm, processRss].map(mb),
      ]),
    ),
  ].join('\n');
}

const facts = runFacts();
const seed = Number(options.seed);
const folder = mkdtempSync(join(tmpdir(), 'twinroute-edge-bench-'));
try {
  const report = await withPack(options.pack, async (pack): Promise<EdgeReport> => {
    const random = createRandom(seed, 'edge.bench');
    const { router, files, config } = pack.manifest;
    if (router === undefined) throw new Error(`edge.bench: expected a pack with an edge router, got ${options.pack}`);
    const cases = await makeCases(pack, random);
    const assetsFolder = join(folder, 'assets');
    await writeEdgeAssets([pack], assetsFolder, createSha256);
    console.error('— bundling');
    const bundle = await bundleWorker(join(folder, 'worker'));
    const [{ bodies: warmBodies }] = cases;
    const isolateMs: number[] = [];
    const sessionMs: number[] = [];
    const starts = Number(options.starts);
    let figures: CaseFigures[] = [];
    let connections = 0;
    for (let start = 1; start <= starts; start++) {
      console.error(`— start ${start} of ${starts}`);
      const edge = await startEdge({ bundle, assetsFolder, endpoints: [], port: 0 });
      const client = oneConnection(edge.url);
      try {
        isolateMs.push(await timed(client, NO_OP, warmBodies[0]));
        sessionMs.push(await timed(client, ROUTE, warmBodies[0]));
        if (start < starts) continue;
        console.error(`— ${options.pairs} pairs of each of ${cases.length} cases`);
        figures = await measureCases(client, cases, Number(options.pairs), random);
        connections = client.opened();
      } finally {
        client.close();
        await edge.close();
      }
    }
    console.error(`— memory over ${options.requests} requests`);
    const memory = await measureMemory(
      bundle,
      assetsFolder,
      cases.flatMap(({ bodies }) => bodies),
      Number(options.requests),
    );
    return {
      facts,
      seed,
      pack: config,
      bytes: {
        router: files[router.file]?.bytes ?? 0,
        bundle: Object.values(bundle.modules).reduce((sum, { contents }) => sum + contents.length, 0),
      },
      cold: { starts, isolateMs: median(isolateMs), sessionMs: median(sessionMs) },
      connections,
      cases: figures,
      memory,
    };
  });
  publish(options.json, report, () => describe(report));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
