import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALL, answer, createHarness, hang, LEFT, RIGHT, type OriginScript } from './helpers/harness.ts';

const TOO = { ...ALL, id: 'too', url: 'http://too.test' };
const TASK = { text: 'a', task: 'sst2', explain: true };

/** The first attempt meets `first`, later ones are answered well. */
function firstMeets(first: OriginScript): OriginScript {
  return (call, attempt, signal) => (attempt === 1 ? first(call, attempt, signal) : answer(call));
}
const status = (code: number, headers: Record<string, string> = {}) => Response.json({ error: 'no' }, { status: code, headers });
const refuseConnection = (): never => {
  throw new TypeError('connection refused');
};

describe('a first endpoint that fails', () => {
  test.each<[string, OriginScript]>([
    ['cannot be reached', refuseConnection],
    ['answers 500', () => status(500)],
    ['answers 502 in HTML', () => new Response('<html>', { status: 502 })],
    ['answers 503', () => status(503, { 'retry-after': '7' })],
    ['answers 429', () => status(429)],
    ['never answers', (_call, _attempt, signal) => hang(signal)],
  ])('%s: another endpoint is asked once', async (_, first) => {
    const { post, calls } = createHarness({ endpoints: [ALL, TOO], origin: firstMeets(first), attemptMs: 50 });
    const { status: code, body } = await post('/v1/predict', TASK);
    expect(code).toBe(200);
    expect(body).toMatchObject({ explain: { attempts: 2, endpoint: 'too' } });
    expect(calls.map((call) => new URL(call.url).host)).toEqual(['all.test', 'too.test']);
  });

  test('a retry elsewhere may cut the mix', async () => {
    const { post } = createHarness({ endpoints: [ALL, RIGHT], origin: firstMeets(() => status(503)) });
    const { body } = await post('/v1/predict', { text: 'a', mix: { sst2: 0.7, stsb: 0.3 } });
    expect(body).toMatchObject({ task: 'stsb', mix: [{ expert: 'stsb', weight: 0.3 }], cut: { covered: expect.closeTo(0.3, 12) } });
  });

  test('a caller’s own task is never answered by another head', async () => {
    const { post } = createHarness({ endpoints: [ALL, RIGHT], origin: firstMeets(() => status(503)) });
    expect(await post('/v1/predict', TASK)).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
  });

  test.each([
    ['invalid_request', 400, 400],
    ['too_large', 413, 413],
    ['not_found', 404, 502],
    ['', 400, 502],
    ['', 302, 502],
  ])('%s with status %d is not retried', async (code, given, got) => {
    const { post, calls } = createHarness({
      endpoints: [ALL, TOO],
      origin: () => status(given, code === '' ? {} : { 'x-error-code': code }),
    });
    expect((await post('/v1/predict', TASK)).status).toBe(got);
    expect(calls).toHaveLength(1);
  });
});

test('one endpoint is not asked twice', async () => {
  const { post, calls } = createHarness({ endpoints: [ALL], origin: () => status(429) });
  expect((await post('/v1/predict', TASK)).status).toBe(429);
  expect(calls).toHaveLength(1);
});

test('a redirect is not followed: it could lead anywhere', async () => {
  const { post, calls } = createHarness();
  await post('/v1/predict', TASK);
  expect(calls[0].redirect).toBe('manual');
});

describe('all endpoints fail', () => {
  test.each<[string, OriginScript, number, string, string | null]>([
    ['connections', refuseConnection, 502, 'upstream', null],
    ['500', () => status(500), 502, 'upstream', null],
    ['503', () => status(503, { 'retry-after': '7' }), 503, 'unavailable', '7'],
    ['429', () => status(429, { 'retry-after': '7' }), 429, 'overloaded', '7'],
    ['429 and a date', () => status(429, { 'retry-after': 'Tue, 24 Nov 2026 00:00:00 GMT' }), 429, 'overloaded', null],
    ['timeouts', (_call, _attempt, signal) => hang(signal), 504, 'timeout', null],
  ])('%s', async (_, origin, got, code, retryAfter) => {
    const { post, calls, logged } = createHarness({ endpoints: [ALL, TOO, LEFT], origin, attemptMs: 30 });
    const response = await post('/v1/predict', TASK);
    expect(response).toMatchObject({ status: got, body: { error: { code } } });
    expect(calls).toHaveLength(3);
    expect(logged).toHaveLength(1);
    expect(response.headers.get('retry-after')).toBe(retryAfter);
  });
});

describe('health', () => {
  test('a dead endpoint is a last resort only until it answers', async () => {
    let nowMs = 1_000_000;
    let dead = true;
    const { post, calls, app } = createHarness({
      endpoints: [ALL],
      now: () => nowMs,
      origin: (call) => (dead ? refuseConnection() : answer(call)),
    });
    expect((await post('/v1/predict', TASK)).status).toBe(502);
    const down = await post('/v1/predict', TASK);
    expect(down).toMatchObject({
      status: 503,
      body: { error: { code: 'unavailable', message: expect.stringContaining('a last try at all failed') } },
    });
    expect(down.headers.get('retry-after')).toBe('1');
    expect(await (await app.request('/health')).json()).toMatchObject({
      status: 'degraded',
      endpoints: [{ id: 'all', up: false, state: 'open' }],
    });
    expect(calls).toHaveLength(2);
    nowMs += 500;
    dead = false;
    expect((await post('/v1/predict', TASK)).status).toBe(200);
    expect(await (await app.request('/health')).json()).toMatchObject({ status: 'ok' });
  });

  test('while one that is back, though its circuit is open, answers whom the other just died on, others are answered too', async () => {
    let nowMs = 1_000_000;
    let dead = ['all', 'too'];
    let release = (): void => {};
    const back = new Promise<void>((resolve) => (release = resolve));
    const { post, calls } = createHarness({
      endpoints: [ALL, TOO],
      now: () => nowMs,
      async origin(call) {
        const host = new URL(call.url).host.replace('.test', '');
        if (dead.includes(host)) return refuseConnection();
        if (host === 'all') await back;
        return answer(call);
      },
    });
    // Both fail twice, and one comes back: the circuit of the other stays open for longer than a first failure opens one.
    for (const pauseMs of [1_100, 100]) {
      await post('/v1/predict', TASK);
      nowMs += pauseMs;
    }
    dead = ['all'];
    expect((await post('/v1/predict', TASK)).body).toMatchObject({ explain: { endpoint: 'too' } });
    dead = ['too'];
    const before = calls.length;
    const first = post('/v1/predict', TASK);
    await expect.poll(() => calls.length).toBe(before + 2);
    const second = post('/v1/predict', TASK);
    await expect.poll(() => calls.length).toBe(before + 4);
    release();
    for (const { body } of await Promise.all([first, second])) expect(body).toMatchObject({ explain: { endpoint: 'all', attempts: 2 } });
  });

  test('a caller’s short deadline does not mark an endpoint down', async () => {
    let late = true;
    const { post } = createHarness({ origin: (call, _attempt, signal) => (late ? hang(signal) : answer(call)) });
    for (let i = 0; i < 5; i++) {
      expect(await post('/v1/predict', TASK, { 'x-request-timeout-ms': '20' })).toMatchObject({
        status: 504,
        body: { error: { code: 'timeout' } },
      });
    }
    late = false;
    expect((await post('/v1/predict', TASK)).status).toBe(200);
  });

  test('the deadline covers both attempts, and no second one begins after it', async () => {
    let nowMs = 1_000_000;
    const { post, calls } = createHarness({
      endpoints: [ALL, TOO],
      now: () => nowMs,
      origin: () => {
        nowMs += 60;
        return refuseConnection();
      },
    });
    await post('/v1/predict', TASK, { 'x-request-timeout-ms': '90' });
    expect(calls.map((call) => call.headers.get('x-request-deadline-ms'))).toEqual(['90', '30']);
    nowMs += 10_000;
    expect((await post('/v1/predict', TASK, { 'x-request-timeout-ms': '60' })).status).toBe(502);
    expect(calls).toHaveLength(3);
  });

  test('no endpoints at all', async () => {
    const { post } = createHarness({ endpoints: [] });
    const response = await post('/v1/predict', TASK);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
  });
});

describe('an origin that lies', () => {
  const lies: readonly [string, Record<string, object | undefined>][] = [
    ['no logits', { logits: undefined }],
    ['logits of another type', { logits: { datatype: 'INT32', shape: [1, 3], data: [0, 1, 2] } }],
    ['NaN among the logits', { logits: { datatype: 'FP32', shape: [1, 3], data: [0, null, 2] } }],
    ['logits as text', { logits: { datatype: 'FP32', shape: [1, 3], data: ['0', '1', '2'] } }],
    ['too few logits', { logits: { datatype: 'FP32', shape: [1, 2], data: [0, 1] } }],
    ['another number of classes', { classes: { datatype: 'INT32', shape: [1], data: [2] } }],
    ['negative tokens', { tokens: { datatype: 'INT32', shape: [1], data: [-1] } }],
    ['two rows of tokens', { tokens: { datatype: 'INT32', shape: [2], data: [1, 2] } }],
    ['truncated as a number', { truncated: { datatype: 'BOOL', shape: [1], data: [1] } }],
    ['binary data', { logits: { datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } } }],
  ];
  test.each(lies)('%s', async (_, changes) => {
    const { post } = createHarness({ origin: (call) => answer(call, changes) });
    expect(await post('/v1/predict', TASK)).toMatchObject({ status: 502, body: { error: { code: 'upstream' } } });
  });

  const routedLies: readonly [string, Record<string, object | undefined>][] = [
    ['a head of nobody', { head: { datatype: 'BYTES', shape: [1], data: ['nobody'] } }],
    ['weights above 1', { mix: { datatype: 'FP32', shape: [1, 3], data: [1, 1, 0] } }],
    ['negative weights', { mix: { datatype: 'FP32', shape: [1, 3], data: [-1, 1, 0] } }],
    ['fewer experts', { mix: { datatype: 'FP32', shape: [1, 2], data: [0.5, 0.5] } }],
    ['no scores', { router_scores: undefined }],
  ];
  test.each(routedLies)('routed: %s', async (_, changes) => {
    const { post } = createHarness({ routing: 'origin', origin: (call) => answer(call, changes) });
    expect(await post('/v1/predict', { text: 'a' })).toMatchObject({ status: 502, body: { error: { code: 'upstream' } } });
  });

  test.each<[string, () => Response]>([
    ['no JSON', () => new Response('ok')],
    ['an empty body', () => new Response(null)],
    ['another version', () => Response.json({ model_name: 'sample', model_version: 'f'.repeat(16), outputs: [] })],
    ['a body beyond the limit', () => new Response(`"${' '.repeat(5 << 20)}"`)],
  ])('%s', async (_, origin) => {
    const { post } = createHarness({ origin });
    expect(await post('/v1/predict', TASK)).toMatchObject({ status: 502, body: { error: { code: 'upstream' } } });
  });

  test('property: any JSON as an answer is a 502', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const { post } = createHarness({ origin: () => Response.json(value) });
        expect((await post('/v1/predict', TASK)).status).toBe(502);
      }),
      { seed: 3, numRuns: 100 },
    );
  });
});
