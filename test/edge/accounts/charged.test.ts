import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AccountCalls } from '../../../src/edge/accounts/port.ts';
import { answer, CONFIG } from '../helpers/harness.ts';
import { ANSWER_PRICE, createPaidHarness, PRICES, type Sabotage } from './harness.ts';

afterEach(() => void vi.restoreAllMocks());

describe('an answer', () => {
  test('is charged by what it used, and says so', async () => {
    const { customer } = createPaidHarness();
    const { predict, balance, held } = await customer(1000);
    const { status, headers } = await predict();
    expect(status).toBe(200);
    expect(headers.get('x-usage-micros')).toBe(String(ANSWER_PRICE));
    expect(headers.get('x-usage-tokens')).toBe('7');
    expect(headers.get('x-usage-currency')).toBe('USD');
    expect(headers.get('x-balance-micros')).toBe(String(1000 - ANSWER_PRICE));
    expect([await balance(), await held()]).toEqual([1000 - ANSWER_PRICE, 0]);
  });

  test('costs by its config and by the experts that were served', async () => {
    const prices = {
      ...PRICES,
      configs: { [CONFIG]: { request: 100 } },
      experts: { cola: { request: 10 }, sst2: { request: 20, per_1000_tokens: 500 } },
      route: 3,
    };
    const { customer, post } = createPaidHarness({ prices });
    const { key, predict, balance } = await customer(10_000);
    await predict({ text: 'a', task: 'cola' });
    expect(await balance()).toBe(10_000 - 110);
    // 7 tokens at 500 a thousand are 3.5, rounded up once.
    await predict({ text: 'a' });
    expect(await balance()).toBe(10_000 - 110 - 134);
    await post('/v1/route', { text: 'a' }, { authorization: `Bearer ${key}` });
    expect(await balance()).toBe(10_000 - 110 - 134 - 3);
  });

  test('of a batch is charged for the inputs that were answered', async () => {
    const { customer } = createPaidHarness({
      origin: (call) => (call.body.id.endsWith('.1') ? new Response(null, { status: 500 }) : undefined),
    });
    const { predict, balance, held } = await customer(10_000);
    const { status, headers } = await predict({ inputs: [{ text: 'a' }, { text: 'b' }, { text: '' }, { text: 'c' }] });
    expect(status).toBe(200);
    expect(headers.get('x-usage-micros')).toBe(String(2 * ANSWER_PRICE));
    expect([await balance(), await held()]).toEqual([10_000 - 2 * ANSWER_PRICE, 0]);
    expect((await predict({ inputs: [{ text: '' }] })).status).toBe(200);
    expect([await balance(), await held()]).toEqual([10_000 - 2 * ANSWER_PRICE, 0]);
  });

  test('that cannot be paid for is refused before any work, with the amounts', async () => {
    const { customer, calls } = createPaidHarness();
    const { predict, stub } = await customer(20);
    const { status, body } = await predict({ text: 'hello' });
    expect(status).toBe(402);
    // Five bytes and eight special tokens at most.
    expect(body).toMatchObject({
      error: { code: 'payment_required', details: { limit: 'balance', needed_micros: 28, available_micros: 20, currency: 'USD' } },
    });
    expect(calls).toHaveLength(0);
    expect((await stub.entries(0, 9))?.length).toBe(0);
    // A shorter text may cost exactly what is there.
    expect((await predict({ text: 'a' })).status).toBe(200);
    const rich = await customer(1000, { spend_limit: { micros: 30, period: 'day' } });
    expect([(await rich.predict()).status, (await rich.predict()).status]).toEqual([200, 402]);
    const capped = await customer(1000, {}, { spend_limit: { micros: 10, period: 'month' } });
    expect((await capped.predict()).body).toMatchObject({ error: { details: { limit: 'account_spend_limit', available_micros: 10 } } });
  });

  test('is free where nothing has a price, and counted all the same', async () => {
    const { customer } = createPaidHarness({ prices: {} });
    const { predict, stub } = await customer(0);
    expect((await predict()).headers.get('x-usage-micros')).toBe('0');
    expect(await stub.entries(0, 9)).toMatchObject([{ state: 'settled', charged: 0, usage: { tokens: 7, answers: 1 } }]);
  });
});

describe('a request that fails', () => {
  test.each([
    ['an origin that answers 500', { origin: () => new Response(null, { status: 500 }) }, {}, 502],
    ['an unknown expert', {}, { task: 'boats' }, 404],
    ['a bad mix', {}, { mix: { cola: 0.7, sst2: 0.7 } }, 400],
    ['an unknown config', {}, { config: 'f'.repeat(16) }, 404],
  ] as const)('costs nothing: %s', async (_name, options, body, status) => {
    const { customer } = createPaidHarness(options);
    const { predict, balance, held } = await customer(1000);
    expect((await predict({ text: 'a', ...body })).status).toBe(status);
    expect([await balance(), await held()]).toEqual([1000, 0]);
  });

  test('costs nothing when it is malformed, and is not even written down', async () => {
    const { customer } = createPaidHarness();
    const { predict, stub } = await customer(1000);
    for (const body of ['{"text":', { text: '' }, { words: 'a' }]) expect((await predict(body)).status).toBe(400);
    expect(await stub.entries(0, 9)).toEqual([]);
  });
});

describe('an idempotency key', () => {
  test('gets the same answer again, charged once', async () => {
    const { customer, calls } = createPaidHarness();
    const { predict, balance, stub } = await customer(1000);
    const named = { 'idempotency-key': 'order-1' };
    const first = await predict({ text: 'hello' }, named);
    await evictDurableObject(stub);
    const again = await predict({ text: 'hello' }, named);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('x-usage-micros')).toBe(String(ANSWER_PRICE));
    expect(calls).toHaveLength(1);
    expect(await balance()).toBe(1000 - ANSWER_PRICE);
  });

  test('is bound to what was asked, and to its key', async () => {
    const { admin, customer, post } = createPaidHarness();
    const { id, predict, balance } = await customer(1000);
    const named = { 'idempotency-key': 'order-1' };
    await predict({ text: 'hello' }, named);
    expect(await predict({ text: 'other' }, named)).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    const { key } = (await admin('POST', `accounts/${id}/keys`, { name: 'second' })).body;
    expect((await post('/v1/predict', { text: 'other' }, { authorization: `Bearer ${key}`, ...named })).status).toBe(200);
    expect(await balance()).toBe(1000 - 2 * ANSWER_PRICE);
    expect((await predict({ text: 'a' }, { 'idempotency-key': 'with space' })).status).toBe(400);
  });

  test('says that the same request is under way, however many ask at once', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { customer, calls } = createPaidHarness({ origin: (call) => gate.then(() => answer(call)) });
    const { predict, balance } = await customer(1000);
    const all = Array.from({ length: 8 }, () => predict({ text: 'hello' }, { 'idempotency-key': 'one' }));
    const refused = await Promise.race(all);
    expect(refused).toMatchObject({ status: 409, body: { error: { details: { state: 'reserved' } } } });
    expect(refused.headers.get('retry-after')).toBe('1');
    open();
    const statuses = (await Promise.all(all)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(calls).toHaveLength(1);
    expect(await balance()).toBe(1000 - ANSWER_PRICE);
  });

  test('may be used again after a failure', async () => {
    let failing = true;
    const { customer } = createPaidHarness({ origin: () => (failing ? new Response(null, { status: 500 }) : undefined) });
    const { predict, balance } = await customer(1000);
    expect((await predict({ text: 'a' }, { 'idempotency-key': 'x' })).status).toBe(502);
    failing = false;
    expect((await predict({ text: 'a' }, { 'idempotency-key': 'x' })).status).toBe(200);
    expect(await balance()).toBe(1000 - ANSWER_PRICE);
  });
});

describe('an account that cannot be reached', () => {
  /** Lets the first calls of a method fail: before they take effect, or after. */
  function failing(method: keyof AccountCalls, when: 'before' | 'after', times: number): Sabotage {
    let left = times;
    const attempt = async <T>(name: keyof AccountCalls, call: () => Promise<T>): Promise<T> => {
      if (name !== method || left === 0) return call();
      left -= 1;
      if (when === 'after') await call();
      throw new Error('the network is gone');
    };
    return (accounts) => ({
      ...accounts,
      calls: (id) => ({
        authenticate: (proof) => attempt('authenticate', () => accounts.calls(id).authenticate(proof)),
        open: (proof, request) => attempt('open', () => accounts.calls(id).open(proof, request)),
        settle: (...args) => attempt('settle', () => accounts.calls(id).settle(...args)),
        release: (seq) => attempt('release', () => accounts.calls(id).release(seq)),
      }),
    });
  }

  test.each(['before', 'after'] as const)(
    '%s reserving: nothing is answered, nothing charged, and the caller may try again',
    async (when) => {
      const nowMs = Date.now();
      const { customer, calls } = createPaidHarness({ sabotage: failing('open', when, 1) });
      const { predict, balance, stub } = await customer(1000);
      const named = { 'idempotency-key': 'x' };
      expect((await predict({ text: 'a' }, named)).status).toBe(503);
      expect(calls).toHaveLength(0);
      if (when === 'after') {
        expect((await predict({ text: 'a' }, named)).status).toBe(409);
        vi.spyOn(Date, 'now').mockReturnValue(nowMs + 31_000);
        await runDurableObjectAlarm(stub);
        expect((await stub.entries(0, 9))?.[0]?.state).toBe('unknown');
      }
      expect((await predict({ text: 'a' }, named)).status).toBe(200);
      expect(await balance()).toBe(1000 - ANSWER_PRICE);
      expect(await stub.entries(0, 9)).toHaveLength(1);
    },
  );

  test('when giving back: the failure is answered as ever, and the sweep gives back', async () => {
    const nowMs = Date.now();
    const { customer } = createPaidHarness({
      sabotage: failing('release', 'before', 1),
      origin: () => new Response(null, { status: 500 }),
    });
    const { predict, balance, held, stub } = await customer(1000);
    expect((await predict()).status).toBe(502);
    expect(await held()).toBeGreaterThan(0);
    for (const ms of [31_000, 3_700_000]) {
      vi.spyOn(Date, 'now').mockReturnValue(nowMs + ms);
      await runDurableObjectAlarm(stub);
    }
    expect([await balance(), await held()]).toEqual([1000, 0]);
  });

  test.each(['before', 'after'] as const)('%s settling: it is tried again, and charged once', async (when) => {
    const { customer } = createPaidHarness({ sabotage: failing('settle', when, 2) });
    const { predict, balance, held } = await customer(1000);
    expect((await predict()).status).toBe(200);
    expect([await balance(), await held()]).toEqual([1000 - ANSWER_PRICE, 0]);
  });

  test('for good when settling: the queue settles it later', async () => {
    const sent: unknown[] = [];
    const { customer, accounts, logged } = createPaidHarness({
      sabotage: (real) => ({
        ...failing('settle', 'before', Infinity)(real),
        async send(message) {
          sent.push(message);
          await real.send(message);
        },
      }),
    });
    const { id, predict, balance, held } = await customer(1000);
    expect((await predict()).status).toBe(200);
    expect(sent).toMatchObject([{ kind: 'settle', account: id, seq: 1, micros: ANSWER_PRICE }]);
    expect(logged.length).toBeGreaterThan(0);
    expect(await held()).toBeGreaterThan(0);
    await vi.waitFor(async () => expect([await balance(), await held()]).toEqual([1000 - ANSWER_PRICE, 0]), {
      timeout: 20_000,
      interval: 500,
    });
    expect(
      await accounts.accounts.getByName(id).settle(1, 500, { answers: 1, tokens: 1, configs: [], experts: [] }, undefined),
    ).toMatchObject({
      charged: ANSWER_PRICE,
    });
  });
});

test('work goes on to its charge when nobody waits for the answer any longer', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { customer, calls, background } = createPaidHarness({ origin: (call) => gate.then(() => answer(call)) });
  const { predict, balance, held } = await customer(1000);
  // Nobody looks at what comes of it: only what is kept alive runs on in a Worker whose caller has hung up.
  const unheard = predict();
  await vi.waitFor(() => expect(calls).toHaveLength(1));
  open();
  await Promise.all(background);
  expect([await balance(), await held()]).toEqual([1000 - ANSWER_PRICE, 0]);
  await unheard;
});

test('a request may take as long as the deployment says before it is taken for lost', async () => {
  const nowMs = Date.now();
  const { customer } = createPaidHarness({
    sabotage: (accounts) => ({
      ...accounts,
      calls: (id) => ({
        ...accounts.calls(id),
        open: (...args) => accounts.calls(id).open(...args),
        authenticate: (proof) => accounts.calls(id).authenticate(proof),
        settle: () => Promise.reject(new Error('gone')),
        release: () => Promise.reject(new Error('gone')),
      }),
      send: () => Promise.reject(new Error('gone')),
    }),
  });
  const { predict, stub } = await customer(1000);
  await predict();
  const stateAt = async (ms: number): Promise<string | undefined> => {
    vi.spyOn(Date, 'now').mockReturnValue(nowMs + ms);
    await runDurableObjectAlarm(stub);
    return (await stub.entries(0, 1))?.[0]?.state;
  };
  await runInDurableObject(stub, (account) => void Object.assign(account, { env: { ...env, UPSTREAM: '{"request_ms": 600000}' } }));
  expect(await stateAt(590_000)).toBe('reserved');
  expect(await stateAt(630_000)).toBe('unknown');
});
