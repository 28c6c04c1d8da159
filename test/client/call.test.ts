import { afterEach, describe, expect, test } from 'vitest';
import { retryAfterMs, waitMs } from '../../src/client/backoff.ts';
import { ApiError, ConnectionError, createClient, TimeoutError, type AnswerFacts, type ClientOptions } from '../../src/client/index.ts';
import { refuse, send, startScripted, type Script } from './server.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A client of a scripted edge that waits next to nothing between attempts. */
async function start(script: Script, options: Partial<ClientOptions> = {}) {
  const server = await startScripted(script);
  closers.push(server.close);
  const client = createClient({ url: `${server.url}/`, key: 'tr_test', random: () => 0.001, ...options });
  return { client, arrived: server.arrived };
}

const ANSWER = { id: 'r-1', label: 'positive' };

describe('a call', () => {
  test('carries key, body, name and id, and tells the facts of the answer', async () => {
    const { client, arrived } = await start((response) =>
      send(response, 200, ANSWER, {
        'x-usage-micros': '16',
        'x-usage-tokens': '7',
        'x-usage-currency': 'EUR',
        'x-balance-micros': '984',
        'x-ratelimit-limit-requests': '10',
        'x-ratelimit-remaining-requests': '9',
        'x-ratelimit-reset-requests': '12s',
      }),
    );
    let facts: AnswerFacts | undefined;
    const answer = await client.predict({ text: 'hi' }, { requestId: 'mine', arm: 'e=a', onAnswer: (given) => void (facts = given) });
    expect(answer).toEqual(ANSWER);
    expect(arrived[0]).toMatchObject({ method: 'POST', path: '/v1/predict', body: '{"text":"hi"}' });
    expect(arrived[0].headers).toMatchObject({
      authorization: 'Bearer tr_test',
      accept: 'application/json',
      'content-type': 'application/json',
      'x-request-id': 'mine',
      'x-twinroute-arm': 'e=a',
      'idempotency-key': expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(arrived[0].headers['x-request-timeout-ms']).toBeUndefined();
    expect(facts).toEqual({
      status: 200,
      requestId: 'r-1',
      attempts: 1,
      replayed: false,
      usage: { micros: 16, tokens: 7, currency: 'EUR', balanceMicros: 984 },
      rate: { limit: 10, remaining: 9, resetSeconds: 12 },
    });
  });

  test('asks each operation at its place', async () => {
    const { client, arrived } = await start((response) => send(response, 200, {}));
    await client.predictBatch([{ text: 'a' }]);
    await client.route({ text: 'a', top_k: 2 });
    await client.experts();
    await client.experts('0123456789abcdef');
    await client.configs();
    await client.feedback({ request_id: 'r', outcome: true });
    await client.usage();
    await client.statement({ after: 3 });
    await client.prices();
    await client.experiments();
    await client.experiment('a/b');
    expect(arrived.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/predict',
      'POST /v1/route',
      'GET /v1/experts',
      'GET /v1/experts?config=0123456789abcdef',
      'GET /v1/configs',
      'POST /v1/feedback',
      'GET /v1/usage',
      'GET /v1/statement?after=3',
      'GET /v1/prices',
      'GET /v1/experiments',
      'GET /v1/experiments/a%2Fb',
    ]);
  });

  test.each([408, 425, 429, 500, 502, 503, 504])('of status %i is made again, under the same name', async (status) => {
    const { client, arrived } = await start((response, _, n) =>
      n < 2 ? refuse(response, status, { code: 'whatever' }) : send(response, 200, ANSWER),
    );
    let attempts = 0;
    expect(await client.predict({ text: 'a' }, { onAnswer: (facts) => void (attempts = facts.attempts) })).toEqual(ANSWER);
    expect(attempts).toBe(3);
    expect(new Set(arrived.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    await client.predict({ text: 'a' });
    expect(arrived[3].headers['idempotency-key']).not.toBe(arrived[0].headers['idempotency-key']);
  });

  test.each([400, 401, 402, 403, 404, 405, 409, 413, 501])('of status %i is not', async (status) => {
    const { client, arrived } = await start((response) =>
      refuse(response, status, { code: 'some_code', param: 'text', details: { needed_micros: 5 } }, { 'retry-after': '3' }),
    );
    const error = await client.predict({ text: 'a' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status,
      code: 'some_code',
      param: 'text',
      details: { needed_micros: 5 },
      requestId: 'r-1',
      retryAfterMs: 3000,
      attempts: 1,
    });
    expect(arrived).toHaveLength(1);
  });

  test('whose first attempt is still under way waits for its answer; one that was answered and forgotten is refused', async () => {
    const { client, arrived } = await start((response, _, n) =>
      n === 0
        ? refuse(response, 409, { code: 'conflict', details: { state: 'reserved', charged_micros: 0 } })
        : send(response, 200, ANSWER),
    );
    expect(await client.predict({ text: 'a' })).toEqual(ANSWER);
    expect(arrived).toHaveLength(2);
    const settled = await start((response) =>
      refuse(response, 409, { code: 'conflict', details: { state: 'settled', charged_micros: 9 } }),
    );
    await expect(settled.client.predict({ text: 'a' })).rejects.toMatchObject({ status: 409, details: { state: 'settled' } });
    expect(settled.arrived).toHaveLength(1);
  });

  test('whose connection breaks, before the answer or in it, is made again', async () => {
    const { client } = await start((response, _, n) => {
      if (n === 0) response.destroy();
      else if (n === 1) response.writeHead(200, { 'content-length': '100' }).write('{"id"', () => response.destroy());
      else send(response, 200, ANSWER);
    });
    expect(await client.predict({ text: 'a' })).toEqual(ANSWER);
  });

  test('gives up after its retries', async () => {
    const { client, arrived } = await start((response) => response.destroy(), { retries: 2 });
    const error = await client.configs().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ attempts: 3 });
    expect(arrived).toHaveLength(3);
    await expect(client.configs({ retries: 0 })).rejects.toBeInstanceOf(ConnectionError);
    expect(arrived).toHaveLength(4);
  });

  test('is not made again when the edge asks for longer than there is time', async () => {
    const { client, arrived } = await start((response) => refuse(response, 503, { code: 'unavailable' }, { 'retry-after': '60' }));
    await expect(client.predict({ text: 'a' }, { timeoutMs: 5_000 })).rejects.toMatchObject({ status: 503, retryAfterMs: 60_000 });
    expect(arrived).toHaveLength(1);
  });

  test('that a stranger answers fails with what is known', async () => {
    const { client } = await start((response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>no</h1>'));
    await expect(client.configs()).rejects.toMatchObject({ status: 404, code: 'unknown' });
    const html = await start((response) => response.writeHead(200).end('<h1>hello</h1>'), { retries: 0 });
    await expect(html.client.configs()).rejects.toBeInstanceOf(ConnectionError);
  });
});

describe('time', () => {
  test('of its own is told to the edge, less what earlier attempts took', async () => {
    const { client, arrived } = await start((response, _, n) =>
      n === 0 ? refuse(response, 503, { code: 'unavailable' }) : send(response, 200, ANSWER),
    );
    await client.predict({ text: 'a' }, { timeoutMs: 30_000 });
    const [first, second] = arrived.map(({ headers }) => Number(headers['x-request-timeout-ms']));
    expect(first).toBeLessThanOrEqual(30_000);
    expect(second).toBeLessThanOrEqual(first);
    expect(second).toBeGreaterThan(20_000);
  });

  test('that runs out ends the call', async () => {
    const { client } = await start(() => undefined);
    await expect(client.predict({ text: 'a' }, { timeoutMs: 50 })).rejects.toBeInstanceOf(TimeoutError);
  });

  test('of an attempt that runs out leaves the rest to another one', async () => {
    const { client } = await start((response, _, n) => (n === 0 ? undefined : send(response, 200, ANSWER)), { attemptMs: 200 });
    expect(await client.predict({ text: 'a' })).toEqual(ANSWER);
  });

  test('a caller who aborts gets the reason, in an attempt and between two', async () => {
    const { client, arrived } = await start((response, _, n) =>
      n === 0 ? undefined : refuse(response, 503, { code: 'unavailable' }, { 'retry-after': '30' }),
    );
    const reason = new Error('enough');
    const given = new AbortController();
    setTimeout(() => given.abort(reason), 30);
    await expect(client.predict({ text: 'a' }, { signal: given.signal })).rejects.toBe(reason);
    const later = new AbortController();
    setTimeout(() => later.abort(reason), 100);
    await expect(client.predict({ text: 'a' }, { signal: later.signal })).rejects.toBe(reason);
    expect(arrived).toHaveLength(2);
    await expect(client.predict({ text: 'a' }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(arrived).toHaveLength(2);
  });
});

describe('waits', () => {
  test('double, with full jitter, up to a bound, and never fall short of what was asked for', () => {
    expect([1, 2, 3, 9].map((attempt) => waitMs(attempt, undefined, 1))).toEqual([250, 500, 1000, 8000]);
    expect(waitMs(5, undefined, 0)).toBe(0);
    expect(waitMs(1, 3000, 0)).toBe(3000);
    expect(waitMs(1, 3000, 0.5)).toBe(3125);
  });

  test.each([
    [null, undefined],
    ['0', 0],
    ['12', 12_000],
    ['Tue, 24 Nov 2026 12:00:05 GMT', 5_000],
    ['Tue, 24 Nov 2020 12:00:05 GMT', 0],
    ['soon', undefined],
  ])('retry-after %s', (header, expected) => {
    expect(retryAfterMs(header, Date.UTC(2026, 10, 24, 12))).toBe(expected);
  });
});
