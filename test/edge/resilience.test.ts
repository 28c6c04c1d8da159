// Many origins, some of which misbehave: who is asked, how often, and what the caller sees.

import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { ALL, answer, createHarness, hang, LEFT, type OriginCall, type OriginScript } from './helpers/harness.ts';

const ONE = { ...ALL, id: 'one', url: 'http://one.test' };
const TWO = { ...ALL, id: 'two', url: 'http://two.test' };
const THREE = { ...ALL, id: 'three', url: 'http://three.test' };
const TASK = { text: 'a', task: 'sst2', explain: true };

const hostOf = (call: OriginCall): string => new URL(call.url).host.split('.')[0];
const status = (code: number) => Response.json({ error: 'no' }, { status: code });
const refuse = (): never => {
  throw new TypeError('connection refused');
};

/** Endpoints by name that do as told; the others answer well. */
const misbehave =
  (scripts: Readonly<Record<string, OriginScript>>): OriginScript =>
  (call, attempt, signal) =>
    scripts[hostOf(call)]?.(call, attempt, signal);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('when all are down', () => {
  test('a request makes two tries and no more, first at the endpoint that is soonest due', async () => {
    let nowMs = 0;
    const { post, calls } = createHarness({ endpoints: [ONE, TWO, THREE], now: () => nowMs, origin: refuse });
    expect((await post('/v1/predict', TASK)).status).toBe(502);
    // All trials fail: each pause doubles, in the order of the requests.
    nowMs = 1000;
    await post('/v1/predict', TASK);
    nowMs = 1500;
    calls.length = 0;
    const { status: code, headers } = await post('/v1/predict', TASK);
    expect([code, headers.get('retry-after')]).toEqual([503, '2']);
    expect(calls).toHaveLength(2);
  });

  test('the caller’s own mistake is told as such', async () => {
    let broken = true;
    const { post } = createHarness({
      endpoints: [ONE],
      now: () => 0,
      origin: () =>
        broken ? refuse() : Response.json({ error: 'too long' }, { status: 400, headers: { 'x-error-code': 'invalid_request' } }),
    });
    await post('/v1/predict', TASK);
    broken = false;
    expect(await post('/v1/predict', TASK)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
  });

  test('after a failure elsewhere, the last resort is one more attempt', async () => {
    let one: OriginScript = refuse;
    const { post, calls } = createHarness({
      endpoints: [ONE, TWO],
      now: () => 0,
      origin: misbehave({
        one: (call, attempt, signal) => one(call, attempt, signal),
        two: (_, attempt) => (attempt > 2 ? status(503) : undefined),
      }),
    });
    expect(await post('/v1/predict', TASK)).toMatchObject({ status: 200, body: { explain: { endpoint: 'two', attempts: 2 } } });
    one = (call) => answer(call);
    expect(await post('/v1/predict', TASK)).toMatchObject({ status: 200, body: { explain: { endpoint: 'one', attempts: 2 } } });
    expect(calls.map(hostOf)).toEqual(['one', 'two', 'two', 'one']);
  });
});

describe('retries', () => {
  test('an endpoint that fails half of its requests is asked again rather than a mix cut', async () => {
    let n = 0;
    const { post } = createHarness({ endpoints: [ONE, LEFT], origin: misbehave({ one: () => (n++ % 2 === 1 ? status(500) : undefined) }) });
    await post('/v1/predict', TASK);
    for (let i = 0; i < 30; i++) {
      expect(await post('/v1/predict', { text: 'a', mix: { sst2: 0.5, stsb: 0.5 }, explain: true })).toMatchObject({
        status: 200,
        body: { explain: { endpoint: 'one', attempts: 2 } },
      });
    }
  });

  test('the budget bounds them: in an outage the load does not multiply', async () => {
    const requests = 40;
    const { post, calls } = createHarness({
      endpoints: [ONE, TWO, THREE],
      upstream: { retry_budget: { share: 0.1, minimum: 0 } },
      origin: async () => {
        await sleep(30);
        return status(500);
      },
    });
    const answers = await Promise.all(Array.from({ length: requests }, () => post('/v1/predict', TASK)));
    expect(new Set(answers.map(({ status: code }) => code))).toEqual(new Set([502]));
    // Each place of the budget serves one retry at a time, and a request makes a handful of them at most.
    expect(calls.length).toBeGreaterThan(requests);
    expect(calls.length).toBeLessThan(1.5 * requests);
  });

  test('when an endpoint dies with more requests than the budget has places, they wait in line and are answered elsewhere', async () => {
    const requests = 24;
    let most = 0;
    let underWay = 0;
    let begun = 0;
    let allBegan = (): void => undefined;
    const all = new Promise<void>((resolve) => (allBegan = resolve));
    const { post, calls } = createHarness({
      endpoints: [ONE, TWO],
      upstream: { retry_budget: { share: 0, minimum: 2 } },
      // Chance and time are the test's: by the clock, how many went to either would depend on the machine.
      uniform: createRandom(7).uniform,
      now: () => 0,
      origin: async (call) => {
        // It dies under all that it was asked: nobody who begins later learns from those before.
        if ((begun += 1) === requests) allBegan();
        await all;
        if (hostOf(call) === 'one') return refuse();
        most = Math.max(most, (underWay += 1));
        await sleep(20);
        underWay -= 1;
        return answer(call);
      },
    });
    const answers = await Promise.all(Array.from({ length: requests }, () => post('/v1/predict', TASK)));
    expect(new Set(answers.map(({ status: code }) => code))).toEqual(new Set([200]));
    const retried = calls.filter((call) => hostOf(call) === 'one').length;
    expect(retried).toBeGreaterThan(4);
    // Those that began at the other, and two retries at a time.
    expect(most).toBeLessThanOrEqual(requests - retried + 2);
  });

  test('what the caller has to mend is not retried', async () => {
    const { post, calls } = createHarness({
      endpoints: [ONE, TWO],
      origin: () => Response.json({ error: 'no' }, { status: 400, headers: { 'x-error-code': 'invalid_request' } }),
    });
    expect((await post('/v1/predict', TASK)).status).toBe(400);
    expect(calls).toHaveLength(1);
  });

  test('attempts are limited', async () => {
    const { post, calls } = createHarness({ endpoints: [ONE, TWO, THREE], upstream: { attempts: 2 }, origin: refuse });
    expect((await post('/v1/predict', TASK)).status).toBe(502);
    expect(calls).toHaveLength(2);
  });
});

describe('hedging', () => {
  test('a late endpoint has company, the first good answer wins and the loser is aborted', async () => {
    let aborted = 0;
    const { post, calls, app } = createHarness({
      endpoints: [ONE, TWO],
      upstream: { hedge: { after: 20 } },
      origin: misbehave({
        one: (_call, _attempt, signal) => {
          signal.addEventListener('abort', () => void (aborted += 1));
          return hang(signal);
        },
      }),
    });
    expect(await post('/v1/predict', TASK)).toMatchObject({ status: 200, body: { explain: { endpoint: 'two', attempts: 2 } } });
    expect(calls.map(hostOf)).toEqual(['one', 'two']);
    await sleep(1);
    expect(aborted).toBe(1);
    // It was slow, not down.
    expect(await (await app.request('/health')).json()).toMatchObject({
      endpoints: [
        { state: 'up', in_flight: 0 },
        { state: 'up', in_flight: 0 },
      ],
    });
  });

  test('the first may still win, and a hedge that fails costs nothing', async () => {
    const { post } = createHarness({
      endpoints: [ONE, TWO],
      upstream: { hedge: { after: 10 } },
      origin: misbehave({
        one: async (call) => {
          await sleep(60);
          return answer(call);
        },
        two: refuse,
      }),
    });
    expect(await post('/v1/predict', TASK)).toMatchObject({ status: 200, body: { explain: { endpoint: 'one', attempts: 2 } } });
  });

  test('is off by default, needs a second endpoint, and counts against the retry budget', async () => {
    const late: OriginScript = async (call) => {
      await sleep(50);
      return answer(call);
    };
    for (const options of [
      { endpoints: [ONE, TWO] },
      { endpoints: [ONE], upstream: { hedge: { after: 5 } } },
      { endpoints: [ONE, TWO], upstream: { hedge: { after: 5 }, retry_budget: { share: 0, minimum: 0 } } },
      // No percentile is known of an endpoint that has not answered yet.
      { endpoints: [ONE, TWO], upstream: { hedge: { after: 'p95' as const } } },
    ]) {
      const { post, calls } = createHarness({ ...options, origin: late });
      expect((await post('/v1/predict', TASK)).status).toBe(200);
      expect(calls).toHaveLength(1);
    }
  });

  test('by percentile: only what is later than most answers of the endpoint', async () => {
    let slow = false;
    const { post, calls } = createHarness({
      endpoints: [ONE, TWO],
      upstream: { hedge: { after: 'p95' } },
      origin: async (call, _attempt, signal) => {
        if (slow && hostOf(call) === 'one') return hang(signal);
        await sleep(5);
        return answer(call);
      },
    });
    for (let i = 0; i < 60; i++) await post('/v1/predict', TASK);
    slow = true;
    calls.length = 0;
    for (let i = 0; i < 4; i++)
      expect(await post('/v1/predict', TASK)).toMatchObject({ status: 200, body: { explain: { endpoint: 'two' } } });
    expect(calls.length).toBeGreaterThanOrEqual(4);
  });
});

describe('load shedding', () => {
  test('beyond its limit an isolate refuses before it reads anything', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { post, app } = createHarness({
      upstream: { in_flight: 3 },
      origin: async (call) => {
        await gate;
        return answer(call);
      },
    });
    const running = [1, 2, 3].map(() => post('/v1/predict', TASK));
    await sleep(1);
    const refused = await post('/v1/predict', '{ this is never parsed');
    expect(refused).toMatchObject({ status: 429, body: { error: { code: 'overloaded' } } });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await app.request('/health')).status).toBe(200);
    open();
    for (const { status: code } of await Promise.all(running)) expect(code).toBe(200);
    expect((await post('/v1/predict', TASK)).status).toBe(200);
  });

  test('an endpoint has a limit too; when all are full, that is said and no last resort is tried', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { post, calls } = createHarness({
      endpoints: [ONE, TWO],
      upstream: { endpoint_in_flight: 1 },
      origin: async (call) => {
        await gate;
        return answer(call);
      },
    });
    const running = [1, 2].map(() => post('/v1/predict', TASK));
    await sleep(1);
    expect(await post('/v1/predict', TASK)).toMatchObject({ status: 429, body: { error: { code: 'overloaded' } } });
    expect(calls.map(hostOf).sort()).toEqual(['one', 'two']);
    open();
    for (const { status: code } of await Promise.all(running)) expect(code).toBe(200);
  });
});

describe('checks', () => {
  const ready = (call: Pick<OriginCall, 'url'>): boolean => call.url.endsWith('/v2/health/ready');

  test('are off by default', async () => {
    const { post, background } = createHarness();
    await post('/v1/predict', TASK);
    expect(background).toHaveLength(0);
  });

  test('ask each endpoint once an interval, after the answer, and take out what is not ready', async () => {
    let nowMs = 0;
    let well = false;
    const checks: string[] = [];
    const { post, calls, background, app } = createHarness({
      endpoints: [ONE, TWO],
      now: () => nowMs,
      upstream: { check: { interval_ms: 5000 } },
      get: (url) => {
        checks.push(url);
        if (url.includes('one')) return well ? new Response('{}') : refuse();
        return new Response('{}');
      },
    });
    await post('/v1/predict', TASK);
    await Promise.all(background);
    expect(checks.sort()).toEqual(['http://one.test/v2/health/ready', 'http://two.test/v2/health/ready']);
    expect(await (await app.request('/health')).json()).toMatchObject({ endpoints: [{ state: 'open' }, { state: 'up' }] });
    calls.length = 0;
    await post('/v1/predict', TASK);
    expect(calls.map(hostOf)).toEqual(['two']);
    expect(checks).toHaveLength(2);
    expect(calls.filter(ready)).toHaveLength(0);
    nowMs += 5000;
    well = true;
    await post('/v1/predict', TASK);
    await Promise.all(background);
    expect(checks).toHaveLength(4);
    expect(await (await app.request('/health')).json()).toMatchObject({ endpoints: [{ state: 'up' }, { state: 'up' }] });
  });
});

describe('the answer cache', () => {
  const upstream = { cache: { bytes: 100_000, seconds: 60 } };

  test('answers a request that allows it, for as long as it is set to, and only then', async () => {
    let nowMs = 0;
    const { post, calls } = createHarness({ upstream, now: () => nowMs });
    const ask = async (input: object): Promise<unknown> => (await post('/v1/predict', input)).body;
    expect(await ask({ ...TASK, cache: true })).not.toHaveProperty('cached');
    expect(await ask({ ...TASK, cache: true })).toMatchObject({ cached: true, label: 'positive', usage: { tokens: 7 } });
    expect(await ask(TASK)).not.toHaveProperty('cached');
    expect(calls).toHaveLength(2);
    nowMs += 60_000;
    expect(await ask({ ...TASK, cache: true })).not.toHaveProperty('cached');
    expect(calls).toHaveLength(3);
  });

  test('another text, pair, task or mix is another question; mixes that round to the same are not', async () => {
    const { post, calls } = createHarness({ upstream });
    const inputs = [
      { text: 'a', task: 'sst2' },
      { text: 'b', task: 'sst2' },
      { text: 'a', text_pair: 'b', task: 'sst2' },
      { text: 'a', task: 'cola' },
      { text: 'a', mix: { sst2: 0.5, cola: 0.25 } },
      { text: 'a', mix: { sst2: 0.25, cola: 0.5 } },
      { text: 'a', mix: { sst2: 0.5 } },
    ];
    for (const input of inputs) expect((await post('/v1/predict', { ...input, cache: true })).body).not.toHaveProperty('cached');
    for (const input of inputs) expect((await post('/v1/predict', { ...input, cache: true })).body).toHaveProperty('cached');
    expect((await post('/v1/predict', { text: 'a', mix: { sst2: 0.5001 }, cache: true })).body).toHaveProperty('cached');
    expect(calls).toHaveLength(inputs.length);
  });

  test('does not keep failures or cut mixes, and without settings keeps nothing', async () => {
    const cut = createHarness({ upstream, endpoints: [LEFT] });
    const mixed = { text: 'a', mix: { sst2: 0.5, stsb: 0.5 }, cache: true };
    for (let i = 0; i < 2; i++) expect(await cut.post('/v1/predict', mixed)).toMatchObject({ status: 200, body: { cut: {} } });
    expect(cut.calls).toHaveLength(2);
    const off = createHarness();
    for (let i = 0; i < 2; i++) expect((await off.post('/v1/predict', { ...TASK, cache: true })).body).not.toHaveProperty('cached');
    let fail = true;
    const failing = createHarness({ upstream, origin: () => (fail ? status(400) : undefined) });
    expect((await failing.post('/v1/predict', { ...TASK, cache: true })).status).toBe(502);
    fail = false;
    expect((await failing.post('/v1/predict', { ...TASK, cache: true })).status).toBe(200);
  });
});
