// What the edge tells of its models in the words of the protocol.

import { describe, expect, test } from 'vitest';
import { VERSION } from '../../../src/contract/version.ts';
import { ALL, CONFIG, createHarness, NO_EXPERIMENTS, OTHER_CONFIG } from '../helpers/harness.ts';
import { client, INFER, texts } from './harness.ts';
import { ANSWER_OUTPUTS, TEXT_MODEL_INPUTS } from '../../helpers/oip-tensors.ts';

test('names itself, lives and is ready', async () => {
  const { get } = client(createHarness());
  expect((await get('/v2')).body).toMatchObject({
    name: 'twinroute',
    version: VERSION,
    extensions: expect.arrayContaining(['binary_tensor_data']),
  });
  expect(await get('/v2/health/live')).toMatchObject({ status: 200, body: { live: true } });
  expect(await get('/v2/health/ready')).toMatchObject({ status: 200, body: { ready: true } });
  expect(await get('/v2/models/sample/ready')).toMatchObject({ status: 200, body: { name: 'sample', ready: true } });
});

test('is not ready while no endpoint takes requests', async () => {
  const harness = createHarness({ origin: () => new Response(null, { status: 503 }), endpoints: [ALL] });
  const { get, refused } = client(harness);
  for (let i = 0; i < 10; i++) await refused({ inputs: [texts('text', 'a')] });
  expect(await get('/v2/health/ready')).toMatchObject({ status: 503, body: { ready: false } });
  expect(await get('/v2/models/sample/ready')).toMatchObject({ status: 503, body: { ready: false } });
  expect((await get('/v2/health/live')).status).toBe(200);
});

test('tells a model’s tensors as origins do, and its merge beside them', async () => {
  const { get } = client(createHarness());
  const { body } = await get('/v2/models/sample');
  expect(body).toEqual({
    name: 'sample',
    versions: [CONFIG],
    platform: 'onnx_onnxv1',
    inputs: TEXT_MODEL_INPUTS,
    outputs: [
      ...ANSWER_OUTPUTS,
      { name: 'mix', datatype: 'FP32', shape: [-1, 3] },
      { name: 'router_scores', datatype: 'FP32', shape: [-1, 3] },
      { name: 'abstained', datatype: 'BOOL', shape: [-1] },
      { name: 'covered', datatype: 'FP32', shape: [-1] },
    ],
    parameters: { experts: 'cola,sst2,stsb', route: true },
  });
  expect((await get(`/v2/models/sample/versions/${CONFIG}`)).body).toEqual(body);
  expect((await get('/v2/models/sample/config')).body).toMatchObject({
    name: 'sample',
    max_batch_size: 0,
    input: [
      { name: 'text', data_type: 'TYPE_STRING', dims: [-1], optional: false },
      { name: 'text_pair', optional: true },
      { name: 'mix', data_type: 'TYPE_FP32', dims: [-1, 3], optional: true },
      { name: 'head', optional: true },
    ],
  });
});

test('lists models and versions', async () => {
  const harness = createHarness({ experiments: NO_EXPERIMENTS });
  const { send, refused } = client(harness);
  const index = [CONFIG, OTHER_CONFIG].map((version) => ({ name: 'sample', version, state: 'READY', reason: '' }));
  for (const body of ['', '{"ready": true}']) expect(await (await send(body, {}, '/v2/repository/index')).json()).toEqual(index);
  expect(await refused('{"ready": 1}', {}, '/v2/repository/index')).toMatchObject({ status: 400, code: 'invalid_request' });
  expect((await client(harness).get('/v2/models/sample')).body).toMatchObject({ versions: [CONFIG, OTHER_CONFIG] });
});

describe('what is not there', () => {
  test.each([
    ['/v2/models/nope', 'model: expected one of sample, got "nope"'],
    ['/v2/models/sample.tokens', 'model: expected one of sample, got "sample.tokens", which only origins serve: the edge routes by texts'],
    [`/v2/models/sample/versions/${OTHER_CONFIG}`, `version of sample: expected one of ${CONFIG}, got "${OTHER_CONFIG}"`],
    ['/v2/models/sample/versions/1/ready', `version of sample: expected one of ${CONFIG}, got "1"`],
    ['/v2/models/sample/stats', 'path: expected one that /openapi.json lists, got /v2/models/sample/stats'],
    ['/v2/models/__proto__', 'model: expected one of sample, got "__proto__"'],
  ])('%s', async (path, error) => {
    const { get } = client(createHarness());
    const { status, headers, body } = await get(path);
    expect({ status, code: headers.get('x-error-code'), body }).toEqual({ status: 404, code: 'not_found', body: { error } });
    expect(headers.get('x-request-id')).toMatch(/^id-/);
  });

  test('another method', async () => {
    const { get } = client(createHarness());
    const { status, headers, body } = await get(INFER);
    expect([status, headers.get('allow'), body]).toEqual([405, 'POST', { error: 'method: expected POST, got GET' }]);
  });
});
