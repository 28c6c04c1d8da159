// Whether NVIDIA's Python client of the Open Inference Protocol, tritonclient[http], works unchanged with the edge (in workerd, with keys) and with an
// origin: runs scripts/peers/tritonclient_checks.py against both and prints a table. Exits 1 when a check fails, 0 when there is no Python to run it.
//
//   node scripts/tritonclient.ts --python PYTHON [--pack packs/sample] [--json FILE]
//
// PYTHON (or the variable TRITONCLIENT_PYTHON) is an interpreter with tritonclient[http]: python3 -m venv DIR && DIR/bin/pip install 'tritonclient[http]'.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { writeEdgeAssets } from '../src/build/edge-assets.ts';
import { bundleWorker } from '../src/cli/dev/bundle-worker.ts';
import { devKey } from '../src/cli/dev/dev-key.ts';
import { startEdge } from '../src/cli/dev/start-edge.ts';
import { packageVersion } from '../src/cli/package-version.ts';
import { parseJsonWith } from '../src/contract/parse.ts';
import { openPack, type Pack } from '../src/formats/pack.ts';
import { createSha256, openFolder } from '../src/host/files.ts';
import { startOrigin } from '../src/origin/index.ts';
import { loadPredictor } from '../src/origin/load-pack.ts';
import { markdownTable } from './bench/lib/markdown-table.ts';

const ROOT = join(import.meta.dirname, '..');
const ADMIN_SECRET = 'a root secret for this run only, long enough';
/** Longest request. */
const PATIENCE_MS = 120_000;

/** One check of one server. */
const Result = z.strictObject({ check: z.string(), server: z.enum(['edge', 'origin']), ok: z.boolean(), detail: z.string() });
type Result = z.infer<typeof Result>;

/** What the peer reads. */
interface Job {
  readonly servers: Readonly<Record<Result['server'], { readonly url: string; readonly headers: Readonly<Record<string, string>> }>>;
  readonly model: string;
  readonly version: string;
  readonly experts: readonly string[];
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

const { values: options } = parseArgs({
  options: { python: { type: 'string' }, pack: { type: 'string', default: join(ROOT, 'packs/sample') }, json: { type: 'string' } },
});
const python = options.python ?? process.env['TRITONCLIENT_PYTHON'] ?? '';
if (python === '') {
  console.error('tritonclient: skipped, for want of --python with an interpreter that has tritonclient[http]');
} else {
  const results = await withServers(options.pack, (job) => runPeer(python, job));
  console.log(tableOf(results));
  const failed = results.filter(({ ok }) => !ok);
  for (const { check, server, detail } of failed) console.error(`failed: ${server}: ${check}: ${detail}`);
  console.log(`\n${results.length - failed.length} passed, ${failed.length} failed`);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
  if (failed.length > 0 || results.length === 0) process.exitCode = 1;
}

/** Starts an origin of the pack and an edge before it, and ends them after `work`. */
async function withServers<T>(path: string, work: (job: Job) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'twinroute-tritonclient-'));
  const files = await openFolder(path);
  const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true }), () => files.close()];
  try {
    const pack = await openPack(files, createSha256);
    const origin = await startOrigin({
      predictors: [await loadPredictor(pack)],
      version: packageVersion(),
      maxDeadlineMs: PATIENCE_MS,
      log: console.error,
    });
    closers.push(() => origin.close());
    const assetsFolder = join(folder, 'assets');
    await writeEdgeAssets([pack], assetsFolder, createSha256);
    const edge = await startEdge({
      bundle: await bundleWorker(join(folder, 'worker')),
      assetsFolder,
      endpoints: [{ id: 'all', url: origin.url, experts: '*' }],
      // Whether it works is asked, not how fast: a busy machine is no failure.
      variables: { ADMIN_SECRET, LOG_LEVEL: 'warn', UPSTREAM: JSON.stringify({ request_ms: PATIENCE_MS, attempt_ms: PATIENCE_MS }) },
      port: 0,
    });
    closers.push(() => edge.close());
    return await work(jobOf(pack, origin.url, edge.url, await devKey(edge.url, ADMIN_SECRET)));
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function jobOf({ manifest: { name, config, experts } }: Pack, originUrl: string, edgeUrl: string, key: string): Job {
  return {
    servers: {
      edge: { url: new URL(edgeUrl).host, headers: { Authorization: `Bearer ${key}` } },
      origin: { url: new URL(originUrl).host, headers: {} },
    },
    model: name,
    version: config,
    experts: experts.map((expert) => expert.name),
    labels: Object.fromEntries(experts.map((expert) => [expert.name, expert.labels])),
  };
}

async function runPeer(python: string, job: Job): Promise<readonly Result[]> {
  const peer = spawn(python, [join(import.meta.dirname, 'peers/tritonclient_checks.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(peer, 'exit');
  peer.stdin.end(JSON.stringify(job));
  const results: Result[] = [];
  for await (const line of createInterface(peer.stdout)) results.push(parseJsonWith(Result, line, 'peer', 'format'));
  const [code]: unknown[] = await exited;
  if (code !== 0) throw new Error(`tritonclient: expected the peer to end well, got exit code ${String(code)}`);
  return results;
}

/** A row for each check, a column for each server. */
function tableOf(results: readonly Result[]): string {
  const checks = [...new Set(results.map(({ check }) => check))];
  const cell = (check: string, server: Result['server']): string => {
    const result = results.find((candidate) => candidate.check === check && candidate.server === server);
    return result === undefined ? '–' : result.ok ? 'yes' : 'NO';
  };
  return markdownTable(
    ['tritonclient', 'edge', 'origin'],
    checks.map((check) => [check, cell(check, 'edge'), cell(check, 'origin')]),
  );
}
