import { describe, expect, test } from 'vitest';
import { EndpointsAnswer } from '../../src/contract/endpoints.ts';
import { PredictBatch, Prediction, RouteAnswer } from '../../src/contract/http.ts';
import { parseWith } from '../../src/contract/parse.ts';
import { createRandom } from '../../src/core/random.ts';
import { ALL, answer, BUNDLE, CONFIG, createHarness, input, LEFT, RIGHT } from './helpers/harness.ts';

describe('one input', () => {
  test('routes, merges at the origin, and reads the head of the heaviest expert', async () => {
    const { post, calls } = createHarness();
    const { status, body, headers } = await post('/v1/predict', { text: 'A film.', explain: true }, { 'x-request-id': 'caller-1' });
    expect(status).toBe(200);
    const prediction = parseWith(Prediction, body, 'body', 'internal');
    expect(prediction).toMatchObject({
      id: 'caller-1',
      task: 'sst2',
      label: 'positive',
      mix: [
        { expert: 'sst2', weight: 0.8 },
        { expert: 'cola', weight: 0.2 },
      ],
      config: CONFIG,
      usage: { tokens: 7, experts: 2, truncated: false },
      abstained: false,
      explain: {
        routed_by: 'edge',
        endpoint: 'all',
        attempts: 1,
        router: [
          { expert: 'sst2', score: 0.7 },
          { expert: 'cola', score: 0.2 },
          { expert: 'stsb', score: 0.1 },
        ],
      },
    });
    expect(prediction.cut).toBeUndefined();
    const total = 1 + Math.exp(-1) + Math.exp(-2);
    expect(prediction.scores['positive']).toBeCloseTo(1 / total, 12);
    expect(Object.values(prediction.scores).reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 12);
    expect(headers.get('x-request-id')).toBe('caller-1');
    expect(headers.get('server-timing')).toMatch(/^router;dur=[\d.]+, origin;dur=[\d.]+, total;dur=[\d.]+$/);
    const [call] = calls;
    expect(call.url).toBe(`http://all.test/v2/models/sample/versions/${CONFIG}/infer`);
    expect(call.headers.get('x-request-id')).toBe('caller-1');
    expect(Number(call.headers.get('x-request-deadline-ms'))).toBeLessThanOrEqual(2000);
    expect(call.body).toEqual({
      id: 'caller-1',
      inputs: [
        { name: 'text', datatype: 'BYTES', shape: [1], data: ['A film.'] },
        { name: 'mix', datatype: 'FP32', shape: [1, 2], parameters: { experts: 'sst2,cola' }, data: [0.8, 0.2] },
        { name: 'head', datatype: 'BYTES', shape: [1], data: ['sst2'] },
      ],
    });
  });

  test('a task is a mix of that expert alone', async () => {
    const { post, calls } = createHarness();
    const { body } = await post('/v1/predict', { text: 'a', text_pair: 'b', task: 'stsb', explain: true });
    expect(body).toMatchObject({
      task: 'stsb',
      label: null,
      scores: { similarity: 0 },
      mix: [{ expert: 'stsb', weight: 1 }],
      explain: { routed_by: 'caller', router: [] },
    });
    expect(input(calls[0], 'text_pair')?.data).toEqual(['b']);
  });

  test.each([
    ['an object', { cola: 0.25, sst2: 0.5 }],
    [
      'a list',
      [
        { expert: 'cola', weight: 0.25 },
        { expert: 'sst2', weight: 0.5 },
      ],
    ],
  ])('a mix may be %s', async (_, mix) => {
    const { post } = createHarness();
    const { body } = await post('/v1/predict', { text: 'a', mix });
    expect(body).toMatchObject({
      task: 'sst2',
      mix: [
        { expert: 'sst2', weight: 0.5 },
        { expert: 'cola', weight: 0.25 },
      ],
    });
  });

  test('a task beside a mix chooses the head, even of an expert outside it', async () => {
    const { post, calls } = createHarness();
    const { body } = await post('/v1/predict', { text: 'a', task: 'cola', mix: { sst2: 1 } });
    expect(body).toMatchObject({ task: 'cola', label: 'acceptable', mix: [{ expert: 'sst2', weight: 1 }] });
    expect(input(calls[0], 'head')?.data).toEqual(['cola']);
  });

  test('an abstention runs the shared model with the best guess’s head', async () => {
    const { post, calls } = createHarness({ mix: [] });
    const { body } = await post('/v1/predict', { text: 'a' });
    expect(body).toMatchObject({ abstained: true, task: 'sst2', mix: [], usage: { experts: 0 } });
    expect(input(calls[0], 'mix')).toBeUndefined();
  });

  test('a mix that no endpoint holds is cut, and the answer says so', async () => {
    const mix = [
      { expert: 'stsb', weight: 0.5 },
      { expert: 'sst2', weight: 0.3 },
      { expert: 'cola', weight: 0.2 },
    ];
    const { post, calls } = createHarness({ endpoints: [LEFT, RIGHT], mix });
    const { body } = await post('/v1/predict', { text: 'a' });
    expect(body).toMatchObject({
      task: 'stsb',
      mix: [{ expert: 'stsb', weight: 0.5 }],
      cut: { wanted: mix, covered: 0.5 },
      usage: { experts: 1 },
    });
    expect(calls[0].url).toContain('http://right.test/v2/');
    expect(parseWith(Prediction, body, 'body', 'internal').cut?.covered).toBe(0.5);
  });

  test('equal endpoints share the requests', async () => {
    const random = createRandom(1);
    let nowMs = 0;
    const { post, calls } = createHarness({
      endpoints: [ALL, { ...ALL, id: 'too', url: 'http://too.test' }],
      uniform: random.uniform,
      now: () => (nowMs += 2),
    });
    for (let i = 0; i < 40; i++) await post('/v1/predict', { text: 'a' });
    const share = calls.filter((call) => call.url.startsWith('http://too.test/')).length / 40;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.25);
  });
});

describe('where the origin routes', () => {
  test.each([
    ['origin', [{ expert: 'cola', weight: 1 }]],
    ['auto', []],
  ] as const)('%s: the origin’s mix, scores and head answer', async (routing, mix) => {
    const { post, calls } = createHarness({ routing, mix, endpoints: [LEFT, ALL] });
    const { body } = await post('/v1/predict', { text: 'a', top_k: 2, explain: true });
    expect(calls.map((call) => call.body)).toMatchObject([{ parameters: { route: true, top_k: 2 } }]);
    expect(body).toMatchObject({
      task: 'sst2',
      abstained: false,
      mix: [
        { expert: 'sst2', weight: 0.75 },
        { expert: 'cola', weight: 0.25 },
      ],
      explain: {
        routed_by: 'origin',
        endpoint: 'all',
        router: [{ expert: 'sst2', score: expect.closeTo(0.7, 6) }, { expert: 'cola' }, { expert: 'stsb' }],
      },
    });
  });

  test('auto: the edge decides when it is sure', async () => {
    const { post, calls } = createHarness({ routing: 'auto' });
    const { body } = await post('/v1/predict', { text: 'a', explain: true });
    expect(body).toMatchObject({ explain: { routed_by: 'edge' } });
    expect(calls[0].body.parameters).toBeUndefined();
  });

  test('auto: the shared model answers when no endpoint holds every expert', async () => {
    const { post } = createHarness({ routing: 'auto', mix: [], endpoints: [LEFT] });
    expect((await post('/v1/predict', { text: 'a', explain: true })).body).toMatchObject({
      task: 'sst2',
      abstained: true,
      mix: [],
      explain: { routed_by: 'edge' },
    });
  });

  test('origin: unavailable when no endpoint holds every expert', async () => {
    const { post } = createHarness({ routing: 'origin', endpoints: [LEFT] });
    expect(await post('/v1/predict', { text: 'a' })).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
  });
});

describe('a batch', () => {
  test('answers in order, and a bad input fails alone', async () => {
    const { post, calls, logged } = createHarness({
      origin: async (call) => {
        await new Promise((resolve) => setTimeout(resolve, Number(String(input(call, 'text')?.data[0]))));
        return answer(call);
      },
    });
    const inputs = [{ text: '30', task: 'sst2' }, { text: ' ' }, { text: '1', task: 'cola' }, { text: '1', task: 'nobody' }, 7];
    const { status, body } = await post('/v1/predict', { inputs }, { 'x-request-id': 'b' });
    expect(status).toBe(200);
    const { id, predictions } = parseWith(PredictBatch, body, 'body', 'internal');
    expect(id).toBe('b');
    expect(predictions).toMatchObject([
      { id: 'b.0', task: 'sst2' },
      { error: { code: 'invalid_request', param: 'text', request_id: 'b.1' } },
      { id: 'b.2', task: 'cola' },
      { error: { code: 'not_found', param: 'task', request_id: 'b.3' } },
      { error: { code: 'invalid_request', request_id: 'b.4' } },
    ]);
    expect(calls.map((call) => call.body.id).sort()).toEqual(['b.0', 'b.2']);
    expect(logged).toEqual([]);
  });

  test('never has more than six inputs under way', async () => {
    let open = 0;
    let most = 0;
    const { post } = createHarness({
      origin: async (call) => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 1));
        open -= 1;
        return answer(call);
      },
    });
    const { body } = await post('/v1/predict', { inputs: Array.from({ length: 64 }, () => ({ text: 'a' })) });
    expect(parseWith(PredictBatch, body, 'body', 'internal').predictions).toHaveLength(64);
    expect(most).toBe(6);
  });
});

test('POST /v1/route asks no origin', async () => {
  const { post, calls } = createHarness();
  const { status, body } = await post('/v1/route', { text: 'a' });
  expect(status).toBe(200);
  const routed = parseWith(RouteAnswer, body, 'body', 'internal');
  expect(routed.mix).toHaveLength(2);
  expect(routed.scores[0]).toEqual({ expert: 'sst2', score: 0.7 });
  expect(calls).toEqual([]);
});

test('POST /v1/route where the origin alone routes is not supported', async () => {
  const { post } = createHarness({ routing: 'origin' });
  expect(await post('/v1/route', { text: 'a' })).toMatchObject({ status: 501, body: { error: { code: 'unsupported', param: 'config' } } });
});

test('the catalogue', async () => {
  const { app } = createHarness({ endpoints: [LEFT, RIGHT] });
  const get = async (path: string) => (await app.request(path)).json();
  expect(await get('/v1/experts')).toEqual({ config: CONFIG, experts: BUNDLE.experts });
  expect(await get(`/v1/experts?config=${'f'.repeat(16)}`)).toMatchObject({ error: { code: 'not_found', param: 'config' } });
  expect(await get('/v1/configs')).toEqual({
    configs: [
      { config: CONFIG, name: 'sample', method: 'twin', parameters: { rank: 16 }, routing: 'edge', experts: ['cola', 'sst2', 'stsb'] },
    ],
  });
  expect(await get('/health')).toEqual({
    status: 'ok',
    configs: 1,
    endpoints: [
      { id: 'left', up: true, state: 'up', in_flight: 0, latency_ms: 1, failure_share: 0 },
      { id: 'right', up: true, state: 'up', in_flight: 0, latency_ms: 1, failure_share: 0 },
    ],
  });
});

test('GET /v1/endpoints tells what is held and how each config fares, and no address', async () => {
  const { app, post } = createHarness({ endpoints: [ALL, { ...LEFT, region: 'EU' }, { ...RIGHT, configs: ['f'.repeat(16)] }] });
  await post('/v1/predict', { text: 'a' });
  const answer = parseWith(EndpointsAnswer, await (await app.request('/v1/endpoints')).json(), 'answer', 'internal');
  expect(
    answer.endpoints.map(({ id, region, experts, configs }) => ({ id, region, experts, configs: configs.map(({ config }) => config) })),
  ).toEqual([
    { id: 'all', region: undefined, experts: '*', configs: [CONFIG] },
    { id: 'left', region: 'EU', experts: ['cola', 'sst2'], configs: [CONFIG] },
    { id: 'right', region: undefined, experts: ['stsb'], configs: [] },
  ]);
  expect(answer.endpoints[0]?.configs[0]).toMatchObject({ state: 'up', in_flight: 0, failure_share: 0 });
  expect(JSON.stringify(answer)).not.toContain('.test');
});
