// The edge in workerd in front of a server of the Open Inference Protocol that holds what `export --format triton` wrote: answers are an origin's.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import type { RunningEdge } from '../../../src/cli/dev/start-edge.ts';
import { withPack } from '../../../src/cli/open-pack-folder.ts';
import { ErrorBody, Prediction } from '../../../src/contract/http.ts';
import { OipResponse } from '../../../src/contract/oip.ts';
import { startOrigin, type Origin } from '../../../src/origin/index.ts';
import { loadPredictor } from '../../../src/origin/load-pack.ts';
import { serveEngine, type EngineServer, type Reply } from '../../helpers/engines/listen.ts';
import { serveRepository } from '../../helpers/engines/oip-server.ts';
import { prepareEdge, type PreparedEdge } from '../../helpers/prepare-edge.ts';
import { runCli } from '../../helpers/run-cli.ts';
import { buildTinyPack, makeTinyInputs, TINY_EXPERTS, tinyText, type TinyInputs } from '../../helpers/tiny-pack.ts';

let inputs: TinyInputs;
let origin: Origin;
let server: EngineServer;
let prepared: PreparedEdge;
let edge: RunningEdge;
let config = '';

const QUIET = { LOG_LEVEL: 'error' };
const list = (json: string): unknown[] => z.parse(z.array(z.unknown()), JSON.parse(json));
const endpointsOf = (url: string, more: object = {}) =>
  JSON.stringify([{ id: 'triton', engine: 'triton', url, experts: '*', configs: [config], ...more }]);

beforeAll(async () => {
  inputs = await makeTinyInputs();
  const path = await buildTinyPack(inputs);
  const out = join(inputs.models.dir, 'repository');
  const { code, err } = await runCli('export', path, '--format', 'triton', out);
  if (code !== 0) throw new Error(`export failed: ${err}`);
  server = await serveRepository(out);
  await withPack(path, async (pack) => {
    ({ config } = pack.manifest);
    prepared = await prepareEdge([pack]);
    origin = await startOrigin({ predictors: [await loadPredictor(pack)], version: '0', log: () => undefined });
  });
  edge = await prepared.start({}, { ...QUIET, ENDPOINTS: endpointsOf(server.url), ENDPOINT_TOKENS: '{"triton":"secret"}' });
});

afterAll(async () => {
  await edge.close();
  await server.close();
  await origin.close();
  await prepared.remove();
  await inputs.models.remove();
});

const names = TINY_EXPERTS.map(({ name }) => name);
const LONG = Array.from({ length: 200 }, (_, i) => tinyText('ships', i)).join(' ');
const MIXES = [{ birds: 1 }, { ships: 0.5, birds: 0.3 }, { stars: 0.4, birds: 0.35, ships: 0.25 }, {}];
const ROWS = Array.from({ length: 24 }, (_, i) => ({
  text: i % 7 === 6 ? LONG : tinyText(names[i % 3], i),
  pair: i % 2 === 0 ? '' : tinyText(names[(i + 1) % 3], i + 50),
  head: names[(i >> 2) % 3],
  mix: MIXES[i % MIXES.length],
}));

async function infer(url: string) {
  const texts = (name: string, data: readonly string[]) => ({ name, datatype: 'BYTES', shape: [data.length], data });
  const body = {
    inputs: [
      texts(
        'text',
        ROWS.map(({ text }) => text),
      ),
      texts(
        'text_pair',
        ROWS.map(({ pair }) => pair),
      ),
      texts(
        'head',
        ROWS.map(({ head }) => head),
      ),
      {
        name: 'mix',
        datatype: 'FP32',
        shape: [ROWS.length, names.length],
        data: ROWS.flatMap(({ mix }) => names.map((name) => new Map(Object.entries(mix)).get(name) ?? 0)),
      },
    ],
  };
  const response = await fetch(`${url}/v2/models/tiny/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  const { outputs } = z.parse(OipResponse, await response.json());
  return new Map(outputs.map(({ name, data = [] }) => [name, data]));
}

const predict = async (url: string, body: object) => {
  const response = await fetch(`${url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
};

test('every row gets what an origin gives: logits, labels, tokens, what was cut', async () => {
  const [ours, theirs] = await Promise.all([infer(edge.url), infer(origin.url)]);
  for (const name of ['classes', 'label', 'head', 'tokens', 'truncated']) expect(ours.get(name)).toEqual(theirs.get(name));
  expect(ours.get('truncated')).toContain(true);
  const logits = ours.get('logits') ?? [];
  expect(logits.length).toBe(ROWS.length * 3);
  for (const [i, logit] of logits.entries()) expect(Math.abs(Number(logit) - Number(theirs.get('logits')?.[i]))).toBeLessThan(1e-4);
  expect(ours.get('mix')).toEqual(
    ROWS.flatMap(({ mix }) => names.map((name) => expect.closeTo(new Map(Object.entries(mix)).get(name) ?? 0, 6))),
  );
});

test('a text that the edge routes is answered in whole, and names its endpoint', async () => {
  const { status, body } = await predict(edge.url, { text: tinyText('birds', 3), explain: true });
  expect(status).toBe(200);
  const prediction = z.parse(Prediction, body);
  expect(prediction).toMatchObject({ config, explain: { endpoint: 'triton', attempts: 1 } });
  expect(prediction.cut).toBeUndefined();
  expect(prediction.explain?.receipt).toBeUndefined();
});

test('rows are sent in bytes, padded to few lengths, with the token and without the text', async () => {
  await predict(edge.url, { text: 'a heron sings', task: 'birds' });
  const { headers, body } = server.received.at(-1) ?? expect.unreachable();
  expect(headers['authorization']).toBe('Bearer secret');
  const json: unknown = JSON.parse(body.subarray(0, Number(headers['inference-header-content-length'])).toString());
  expect(json).toMatchObject({
    inputs: [
      { name: 'input_ids', shape: [1, 16], datatype: 'INT64', parameters: { binary_data_size: 128 } },
      { name: 'attention_mask', shape: [1, 16] },
      { name: 'token_type_ids', shape: [1, 16] },
      { name: 'mix', shape: [1, 3], datatype: 'FP32' },
    ],
    outputs: [{ name: 'logits', parameters: { binary_data: true } }],
  });
  expect(body.includes('heron')).toBe(false);
});

test('answers that are none are not passed on, and another endpoint is asked', async () => {
  const json = (outputs: unknown, id?: string): Reply => ({
    json: { model_name: 'tiny', model_version: '1', ...(id !== undefined && { id }), outputs },
  });
  const output = (change: object): Reply =>
    json([{ name: 'logits', datatype: 'FP32', shape: [1, 6], data: [0, 0, 0, 0, 0, 0], ...change }]);
  const lies: readonly Reply[] = [
    output({ shape: [1, 5], data: [0, 0, 0, 0, 0] }),
    output({ datatype: 'INT64' }),
    output({ data: [0, 0, 0, 0, 0] }),
    json([], 'another'),
    { json: {} },
    { body: '{"model_name":"tiny","outputs":[{"name":"logits","datatype":"FP32","shape":[1,6],"data":[0,0,0,0,0,1e400]}]}' },
    { body: 'no JSON' },
    { body: '{}', headers: { 'inference-header-content-length': '99' } },
    { body: Buffer.alloc(5 << 20) },
    { status: 400, json: { error: 'unexpected shape for input' } },
    { status: 404, json: { error: 'unknown model' } },
  ];
  let lie: Reply;
  const liar = await serveEngine(() => lie);
  const endpoints: unknown[] = [...list(endpointsOf(liar.url, { id: 'liar' })), ...list(endpointsOf(server.url))];
  const both = await prepared.start({}, { ...QUIET, ENDPOINTS: JSON.stringify(endpoints) });
  const alone = await prepared.start({}, { ...QUIET, ENDPOINTS: endpointsOf(liar.url), UPSTREAM: '{"attempts":1}' });
  try {
    for (lie of lies) {
      // Beside an honest one nobody notices; alone it is told, in our own words.
      expect((await predict(both.url, { text: 'a', task: 'birds' })).status).toBe(200);
      const { status, body } = await predict(alone.url, { text: 'a', task: 'birds' });
      expect([502, 503]).toContain(status);
      expect(z.parse(ErrorBody, body).error.message).not.toContain('unexpected shape');
    }
    expect(liar.received.length).toBeGreaterThan(lies.length);
  } finally {
    await both.close();
    await alone.close();
    await liar.close();
  }
});
