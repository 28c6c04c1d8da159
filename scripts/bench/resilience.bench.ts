// What callers see while origins fail: goodput and latency of POST /v1/predict with three origins, some of which misbehave.
//
//   node scripts/bench/resilience.bench.ts [--pack packs/sample] [--rate 100] [--seconds 30] [--seed 0] [--only CASE,CASE] [--json FILE]
//
// The real Worker in workerd, real HTTP, signed requests and receipts. Each origin is the real server, whose model is replaced by a wait of
// 20 ms a batch, behind a hop that injects the faults. Requests arrive at random times that do not depend on answers (open loop), so that a
// stall is charged to all that arrive during it. Every case has an edge of its own, which is warm and has met no fault when the fault begins;
// what it takes to notice is measured too.

import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeEdgeAssets } from '../../src/build/edge-assets.ts';
import { bundleWorker, type WorkerBundle } from '../../src/cli/dev/bundle-worker.ts';
import { readSamples } from '../../src/build/samples.ts';
import { startEdge } from '../../src/cli/dev/start-edge.ts';
import { withPack } from '../../src/cli/open-pack-folder.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { table } from '../../src/cli/table.ts';
import { Prediction } from '../../src/contract/http.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import type { Pack } from '../../src/formats/pack.ts';
import { generateKeySets, type KeySets } from '../../src/formats/signing/generate-keys.ts';
import { openKeyRing } from '../../src/formats/signing/key-ring.ts';
import { createSha256 } from '../../src/host/files.ts';
import { startOrigin, type Origin } from '../../src/origin/index.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import { startFaultyProxy, type Fault, type FaultyProxy } from './lib/faulty-proxy.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import { quantile } from './lib/statistics.ts';

const { values: options } = parseArgs({
  options: {
    pack: { type: 'string', default: join(PACKAGE_ROOT, 'packs/sample') },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '0' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});

const SERVICE_MS = 20;
const WARM_UP_SECONDS = 3;
const SLOW: Fault = { delayMs: 9 * SERVICE_MS };
const FLAKY: Fault = { failing: 0.5 };

interface Case {
  readonly name: string;
  /** Of the three origins. */
  readonly faults: readonly [Fault, Fault, Fault];
  readonly upstream?: object;
}

const CASES: readonly Case[] = [
  { name: 'healthy', faults: [{}, {}, {}] },
  { name: 'one dead', faults: [{ dead: true }, {}, {}] },
  { name: 'one hangs', faults: [{ hang: true }, {}, {}] },
  { name: 'one hangs with hedging', faults: [{ hang: true }, {}, {}], upstream: { hedge: { after: 'p95' } } },
  { name: 'one 10× slow', faults: [SLOW, {}, {}] },
  { name: 'one 500s for half', faults: [FLAKY, {}, {}] },
  { name: 'one 500s for half after the whole time', faults: [{ ...FLAKY, failLate: true }, {}, {}] },
  { name: 'one dead + one 10× slow + one 500s for half', faults: [{ dead: true }, SLOW, FLAKY] },
  { name: 'all dead', faults: [{ dead: true }, { dead: true }, { dead: true }] },
];

/** What one case gave. */
interface CaseFigures {
  readonly name: string;
  readonly requests: number;
  /** Share that was answered with 200. */
  readonly goodput: number;
  /** Milliseconds of good answers. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Attempts of a good answer, mean. */
  readonly attempts: number;
  /** What each origin received for each request. */
  readonly received: readonly number[];
  /** Answers other than 200, by status. */
  readonly failures: Readonly<Record<string, number>>;
}

/** What `--json` writes. */
export interface ResilienceReport {
  readonly facts: RunFacts;
  readonly seed: number;
  readonly rate: number;
  readonly seconds: number;
  readonly cases: readonly CaseFigures[];
}

interface Answer {
  readonly status: number;
  readonly milliseconds: number;
  readonly attempts: number;
}

function ask(agent: Agent, url: string, body: string): Promise<Answer> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request(new URL('/v1/predict', url), { method: 'POST', agent, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const milliseconds = performance.now() - startedAt;
        const status = incoming.statusCode ?? 0;
        const text = Buffer.concat(chunks).toString();
        const attempts = status === 200 ? (parseJsonWith(Prediction, text, 'answer', 'upstream').explain?.attempts ?? 0) : 0;
        resolve({ status, milliseconds, attempts });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Requests at random times, `rate` a second on average. */
async function load(url: string, bodies: readonly string[], rate: number, seconds: number, random: Random): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true });
  const answers: Promise<Answer>[] = [];
  const startedAt = performance.now();
  for (let at = 0; at < 1000 * seconds; at += (-1000 / rate) * Math.log(1 - random.uniform())) {
    const wait = at - (performance.now() - startedAt);
    if (wait > 0) await sleep(wait);
    answers.push(ask(agent, url, bodies[random.below(bodies.length)]));
  }
  const settled = await Promise.all(answers);
  agent.destroy();
  return settled;
}

/** The pack's server without its model: every batch takes the same time. */
async function startWaitingOrigin(pack: Pack, keys: KeySets): Promise<Origin> {
  const real = await loadPredictor(pack, undefined, { threads: 1 });
  return startOrigin({
    predictors: [
      {
        ...real,
        async run(rows) {
          await sleep(SERVICE_MS);
          return rows.map(() => ({
            logits: (expert) => new Float32Array(real.experts[expert].labels.length),
            features: new Float32Array(1),
          }));
        },
      },
    ],
    version: '0',
    maxDelayMs: 0,
    trust: { keys: await openKeyRing(JSON.stringify(keys.origin), 'origin keys'), now: Date.now },
    log: () => undefined,
  });
}

interface Stage {
  readonly pack: Pack;
  readonly bundle: WorkerBundle;
  readonly assetsFolder: string;
  readonly origins: readonly Origin[];
  readonly keys: KeySets;
}

async function measure({ pack, bundle, assetsFolder, origins, keys }: Stage, { name, faults, upstream = {} }: Case): Promise<CaseFigures> {
  const random = createRandom(Number(options.seed), name);
  const hops: FaultyProxy[] = [];
  for (const origin of origins) hops.push(await startFaultyProxy(origin.url, random.uniform));
  const edge = await startEdge({
    bundle,
    assetsFolder,
    endpoints: hops.map(({ url }, i) => ({ id: `origin-${i + 1}`, url, experts: '*' })),
    variables: { SIGNING_KEYS: JSON.stringify(keys.edge), UPSTREAM: JSON.stringify(upstream) },
    port: 0,
  });
  try {
    const rate = Number(options.rate);
    const bodies = (await readSamples(pack)).map(({ text, text_pair: pair }) => JSON.stringify({ text, text_pair: pair, explain: true }));
    await load(edge.url, bodies, rate, WARM_UP_SECONDS, random);
    await Promise.all(hops.map((hop, i) => hop.set(faults[i])));
    const answers = await load(edge.url, bodies, rate, Number(options.seconds), random);
    const good = answers.filter(({ status }) => status === 200);
    const times = Float64Array.from(good, ({ milliseconds }) => milliseconds).sort();
    const failures: Record<string, number> = {};
    for (const { status } of answers) if (status !== 200) failures[status] = (failures[status] ?? 0) + 1;
    return {
      name,
      requests: answers.length,
      goodput: good.length / answers.length,
      p50: times.length === 0 ? Number.NaN : quantile(times, 0.5),
      p99: times.length === 0 ? Number.NaN : quantile(times, 0.99),
      max: times.at(-1) ?? Number.NaN,
      attempts: good.reduce((sum, { attempts }) => sum + attempts, 0) / Math.max(1, good.length),
      received: hops.map((hop) => hop.received() / answers.length),
      failures,
    };
  } finally {
    await edge.close();
    for (const hop of hops) hop.close();
  }
}

function describe({ cases, rate, seconds }: ResilienceReport): string {
  const healthy = cases.find(({ name }) => name === 'healthy');
  return [
    `POST /v1/predict at ${rate} requests a second for ${seconds} s, three origins of ${SERVICE_MS} ms a batch; milliseconds of good answers`,
    table(
      ['case', 'goodput', 'p50', 'p99', 'p99 / healthy', 'max', 'attempts', 'received by each, per request', 'other answers'],
      cases.map(({ name, goodput, p50, p99, max, attempts, received, failures }) => [
        name,
        `${(100 * goodput).toFixed(2)} %`,
        p50.toFixed(1),
        p99.toFixed(1),
        healthy === undefined ? '' : (p99 / healthy.p99).toFixed(2),
        max.toFixed(0),
        attempts.toFixed(3),
        received.map((share) => share.toFixed(3)).join(', '),
        Object.entries(failures)
          .map(([status, count]) => `${status}: ${count}`)
          .join(', '),
      ]),
    ),
  ].join('\n');
}

const facts = runFacts();
const only = options.only?.split(',');
const folder = mkdtempSync(join(tmpdir(), 'twinroute-resilience-'));
try {
  const cases = await withPack(options.pack, async (pack) => {
    const keys = await generateKeySets('hmac-sha256');
    const assetsFolder = join(folder, 'assets');
    await writeEdgeAssets([pack], assetsFolder, createSha256);
    const bundle = await bundleWorker(join(folder, 'worker'));
    const origins: Origin[] = [];
    for (let i = 0; i < 3; i++) origins.push(await startWaitingOrigin(pack, keys));
    try {
      const figures: CaseFigures[] = [];
      for (const one of CASES) {
        if (only !== undefined && !only.includes(one.name)) continue;
        console.error(`— ${one.name}`);
        figures.push(await measure({ pack, bundle, assetsFolder, origins, keys }, one));
      }
      return figures;
    } finally {
      await Promise.all(origins.map((origin) => origin.close()));
    }
  });
  const report: ResilienceReport = {
    facts,
    seed: Number(options.seed),
    rate: Number(options.rate),
    seconds: Number(options.seconds),
    cases,
  };
  publish(options.json, report, () => describe(report));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
