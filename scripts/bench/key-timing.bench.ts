// How long the edge takes to refuse a wrong key, by what is wrong with it: kinds in random order, one request at a time, in workerd. A difference that
// counts would tell which accounts and keys there are. To be run on a quiet machine: node scripts/bench/key-timing.bench.ts [ROUNDS]

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { writeEdgeAssets } from '../../src/build/edge-assets.ts';
import { bundleWorker } from '../../src/cli/dev/bundle-worker.ts';
import { startEdge } from '../../src/cli/dev/start-edge.ts';
import { createRandom } from '../../src/core/random.ts';
import { openPack } from '../../src/formats/pack.ts';
import { createSha256, openFolder } from '../../src/host/files.ts';

const ROUNDS = Number(process.argv[2] ?? 2_000);
const ROOT = 'a root secret for this bench, long enough';

const work = await mkdtemp(join(tmpdir(), 'twinroute-keys-'));
const folder = await openFolder('packs/sample');
const assetsFolder = join(work, 'assets');
await writeEdgeAssets([await openPack(folder, createSha256)], assetsFolder, createSha256);
const edge = await startEdge({
  bundle: await bundleWorker(join(work, 'worker')),
  assetsFolder,
  endpoints: [{ id: 'none', url: 'http://127.0.0.1:9', experts: '*' }],
  variables: { ADMIN_SECRET: ROOT, LOG_LEVEL: 'error' },
  port: 0,
});

const Made = z.object({ id: z.string(), key: z.optional(z.string()) });
const admin = async (path: string, method: string, body?: object): Promise<z.infer<typeof Made>> => {
  const headers = { authorization: `Bearer ${ROOT}`, 'content-type': 'application/json' };
  const response = await fetch(`${edge.url}/admin/v1/${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return z.parse(Made, await response.json());
};

const { id } = await admin('accounts', 'POST', { name: 'one' });
const { key = '' } = await admin(`accounts/${id}/keys`, 'POST', { name: 'good' });
const gone = await admin(`accounts/${id}/keys`, 'POST', { name: 'gone' });
await admin(`accounts/${id}/keys/${gone.id}`, 'DELETE');
const secret = key.slice(-52);
const other = (letter: string | undefined): string => (letter === '0' ? '1' : '0');
const kinds = {
  'no such key': `tr_${id}77777777_${secret}`,
  'first letter wrong': key.replace(secret, other(secret[0]) + secret.slice(1)),
  'last letter wrong': key.slice(0, -1) + other(key.at(-1)),
  revoked: gone.key ?? '',
  'no such account': `tr_${'7'.repeat(20)}_${secret}`,
};

const times = new Map<string, number[]>(Object.keys(kinds).map((kind) => [kind, []]));
const random = createRandom(1, 'keys');
for (let round = -100; round < ROUNDS; round++) {
  const order = Object.entries(kinds)
    .map((kind) => ({ kind, at: random.uniform() }))
    .sort((a, b) => a.at - b.at);
  for (const {
    kind: [kind, sent],
  } of order) {
    const startMs = performance.now();
    const response = await fetch(`${edge.url}/v1/experts`, { headers: { authorization: `Bearer ${sent}` } });
    await response.arrayBuffer();
    const tookMs = performance.now() - startMs;
    if (response.status !== 401) throw new Error(`expected 401 for ${kind}, got ${response.status}`);
    if (round >= 0) times.get(kind)?.push(tookMs);
  }
}
for (const [kind, all] of times) {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * sorted.length)] ?? 0).toFixed(3);
  console.log(`${kind.padEnd(20)} p10 ${at(0.1)} ms, p50 ${at(0.5)} ms, p90 ${at(0.9)} ms`);
}
await edge.close();
await folder.close();
await rm(work, { recursive: true, force: true });
