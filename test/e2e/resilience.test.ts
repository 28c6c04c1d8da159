// The Worker in workerd before real servers, most of which misbehave: over real sockets, signed.

import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { writeEdgeAssets } from '../../src/build/edge-assets.ts';
import { bundleWorker } from '../../src/cli/dev/bundle-worker.ts';
import { startEdge, type RunningEdge } from '../../src/cli/dev/start-edge.ts';
import { withPack } from '../../src/cli/open-pack-folder.ts';
import { ErrorBody, HealthAnswer, Prediction } from '../../src/contract/http.ts';
import { generateKeySets } from '../../src/formats/signing/generate-keys.ts';
import { openKeyRing } from '../../src/formats/signing/key-ring.ts';
import { createSha256 } from '../../src/host/files.ts';
import { startOrigin, type Origin } from '../../src/origin/index.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import { buildTinyPack, makeTinyInputs, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';

let inputs: TinyInputs;
let folder: string;
let origin: Origin;
let edge: RunningEdge;
const servers: Server[] = [];

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

beforeAll(async () => {
  inputs = await makeTinyInputs();
  const path = await buildTinyPack(inputs);
  folder = await mkdtemp(join(tmpdir(), 'twinroute-resilience-'));
  const keys = await generateKeySets('ed25519');
  const trust = { keys: await openKeyRing(JSON.stringify(keys.origin), 'origin keys'), now: Date.now };
  await withPack(path, async (pack) => {
    await writeEdgeAssets([pack], join(folder, 'assets'), createSha256);
    origin = await startOrigin({ predictors: [await loadPredictor(pack)], version: '0', trust, log: () => undefined });
  });
  const failing = await listen((_, response) => void response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"no"}'));
  const hanging = await listen(() => undefined);
  // An honest-looking answer that nobody signed for.
  const lying = await listen(
    (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"model_name":"x","outputs":[]}'),
  );
  const endpoint = (id: string, url: string) => ({ id, url, experts: '*' as const });
  edge = await startEdge({
    bundle: await bundleWorker(join(folder, 'worker')),
    assetsFolder: join(folder, 'assets'),
    endpoints: [
      endpoint('dead', 'http://127.0.0.1:1'),
      endpoint('failing', failing),
      endpoint('hanging', hanging),
      endpoint('lying', lying),
      endpoint('well', origin.url),
    ],
    variables: {
      SIGNING_KEYS: JSON.stringify(keys.edge),
      UPSTREAM: JSON.stringify({ attempt_ms: 500, cache: { bytes: 100_000, seconds: 60 } }),
    },
    port: 0,
  });
});

afterAll(async () => {
  await edge.close();
  await origin.close();
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await rm(folder, { recursive: true });
  await inputs.models.remove();
});

async function post(body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${edge.url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

test('of five endpoints one is well: every request is answered, and the others are found out', async () => {
  for (let i = 0; i < 40; i++) {
    const { status, body } = await post({ text: tinyText('birds', i), task: 'birds', explain: true });
    expect({ status, body }).toMatchObject({ status: 200 });
    const { explain, config, id } = z.parse(Prediction, body);
    expect(explain).toMatchObject({ endpoint: 'well', receipt: { id, config, mix: { birds: 1 } } });
  }
  const { endpoints } = z.parse(HealthAnswer, await (await fetch(`${edge.url}/health`)).json());
  expect(Object.fromEntries(endpoints.map(({ id, state }) => [id, state]))).toMatchObject({ dead: 'open', hanging: 'open', well: 'up' });
});

test('an answer is kept for a caller who allows it', async () => {
  const ask = { text: tinyText('ships', 1), task: 'ships', cache: true };
  expect(z.parse(Prediction, (await post(ask)).body).cached).toBeUndefined();
  expect(z.parse(Prediction, (await post(ask)).body).cached).toBe(true);
});

test('when the last one is gone too, callers hear so at once, in the one error shape', async () => {
  await origin.close();
  const answers = [];
  for (let i = 0; i < 12; i++) answers.push(await post({ text: tinyText('stars', i), task: 'stars' }));
  for (const { status, body } of answers) {
    expect([502, 503, 504]).toContain(status);
    expect(z.parse(ErrorBody, body).error.request_id).not.toBe('');
  }
}, 60_000);
