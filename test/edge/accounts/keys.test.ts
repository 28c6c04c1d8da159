import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { CONFIG } from '../helpers/harness.ts';
import { createPaidHarness, ROOT } from './harness.ts';

describe('the admin API', () => {
  test('wants the root secret, whatever the path', async () => {
    const { admin } = createPaidHarness();
    for (const secret of ['', 'wrong', `${ROOT}x`, ROOT.slice(0, -1)]) {
      for (const path of ['accounts', 'nothing/here'])
        expect(await admin('GET', path, undefined, secret)).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } });
    }
    expect((await admin('GET', 'nothing/here')).status).toBe(404);
  });

  test('shows a key once, and keeps its hash alone', async () => {
    const { admin, customer } = createPaidHarness();
    const { id, key, stub } = await customer();
    expect(key).toMatch(/^tr_[0-9a-z]{20}_[0-9a-z]{52}$/);
    const listed = JSON.stringify((await admin('GET', `accounts/${id}/keys`)).body);
    expect(listed).not.toContain(key.slice(-52));
    expect(listed).not.toContain('sha256');
    expect(JSON.stringify(await stub.keys())).not.toContain(key.slice(-52));
  });

  test('refuses what it does not know, and bodies that do not fit', async () => {
    const { admin, customer } = createPaidHarness();
    const { id } = await customer();
    const nobody = '0'.repeat(12);
    for (const [method, path, body, status] of [
      ['GET', `accounts/${nobody}`, undefined, 404],
      ['GET', 'accounts/OUT-OF-FORM', undefined, 404],
      ['POST', `accounts/${nobody}/keys`, { name: 'k' }, 404],
      ['POST', `accounts/${nobody}/credits`, { id: 'c', micros: 1 }, 404],
      ['DELETE', `accounts/${id}/keys/${id}00000000`, undefined, 404],
      ['POST', `accounts/${id}/keys/${id}00000000/rotate`, {}, 404],
      ['POST', 'accounts', {}, 400],
      ['POST', `accounts/${id}/keys`, { name: 'k', scopes: ['everything'] }, 400],
      ['POST', `accounts/${id}/credits`, { id: 'c', micros: 0.5 }, 400],
      ['POST', `accounts/${id}/credits`, { id: 'c', micros: -1 }, 400],
      ['GET', `export?account=${id}&format=csv`, undefined, 400],
      ['GET', `export?account=${id}&format=stripe`, undefined, 400],
      ['GET', 'export?after=3', undefined, 400],
    ] as const) {
      expect({ path, status: (await admin(method, path, body)).status }).toEqual({ path, status });
    }
  });

  test('pays in once for each id, and never above the limit', async () => {
    const { admin, customer } = createPaidHarness();
    const { id, balance } = await customer(5);
    expect(await admin('POST', `accounts/${id}/credits`, { id: 'first', micros: 5 })).toMatchObject({
      status: 200,
      body: { added: false },
    });
    expect((await admin('POST', `accounts/${id}/credits`, { id: 'second', micros: 1e15 })).status).toBe(400);
    expect(await balance()).toBe(5);
  });
});

describe('a key', () => {
  test('is wanted for everything but health and the description', async () => {
    const { app, post } = createPaidHarness();
    expect((await post('/v1/predict', { text: 'a' })).status).toBe(401);
    expect((await post('/v1/route', { text: 'a' })).status).toBe(401);
    for (const path of ['/v1/experts', '/v1/configs', '/v1/usage', '/v1/statement']) expect((await app.request(path)).status).toBe(401);
    for (const path of ['/health', '/openapi.json']) expect((await app.request(path)).status).toBe(200);
  });

  test('is refused in one way, whatever is wrong with it', async () => {
    const { admin, customer, post, calls } = createPaidHarness();
    const { id, key, keyId } = await customer();
    const { key: expired } = (await admin('POST', `accounts/${id}/keys`, { name: 'old', expires_ms: 1 })).body;
    const { id: revokedId, key: revoked } = (await admin('POST', `accounts/${id}/keys`, { name: 'gone' })).body;
    await admin('DELETE', `accounts/${id}/keys/${revokedId}`);
    const secret = key.slice(-52);
    const bodies = new Set<string>();
    for (const authorization of [
      '',
      key,
      `Basic ${key}`,
      'Bearer nonsense',
      `Bearer ${key}0`,
      `Bearer tr_${keyId}_${'0'.repeat(52)}`,
      `Bearer tr_${id}00000000_${secret}`,
      `Bearer tr_${'0'.repeat(20)}_${secret}`,
      `Bearer ${expired}`,
      `Bearer ${revoked}`,
    ]) {
      const { status, headers, body } = await post('/v1/predict', { text: 'a' }, { authorization, 'x-request-id': 'same' });
      expect({ authorization, status }).toEqual({ authorization, status: 401 });
      expect(headers.get('www-authenticate')).toBe('Bearer');
      bodies.add(JSON.stringify(body));
    }
    expect(bodies.size).toBe(1);
    expect(calls).toHaveLength(0);
  });

  test('that reads as one is asked of its account, whether that exists or not', async () => {
    const asked: string[] = [];
    const { customer, post } = createPaidHarness({
      sabotage: (accounts) => ({
        ...accounts,
        calls(id) {
          asked.push(id);
          return accounts.calls(id);
        },
      }),
    });
    const { id, key } = await customer();
    for (const account of [id, '0'.repeat(12)])
      await post('/v1/predict', { text: 'a' }, { authorization: `Bearer tr_${account}00000000_${key.slice(-52)}` });
    expect(asked).toEqual([id, '0'.repeat(12)]);
  });

  test('writes nothing into the objects of accounts that a stranger makes up', async () => {
    const { post, accounts } = createPaidHarness();
    const account = 'z'.repeat(12);
    await post('/v1/predict', { text: 'a' }, { authorization: `Bearer tr_${account}00000000_${'0'.repeat(52)}` });
    expect(await accounts.accounts.getByName(account).describe()).toBeUndefined();
    expect(await accounts.accounts.getByName(account).standing()).toBeUndefined();
  });

  test('has scopes', async () => {
    const { admin, customer, post } = createPaidHarness();
    const { id, predict, get } = await customer();
    expect((await predict()).status).toBe(200);
    expect(await get('/v1/usage')).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
    const { key } = (await admin('POST', `accounts/${id}/keys`, { name: 'books', scopes: ['admin-read'] })).body;
    expect((await get('/v1/usage', key)).status).toBe(200);
    expect((await post('/v1/predict', { text: 'a' }, { authorization: `Bearer ${key}` })).status).toBe(403);
  });

  test('is limited to its configs and experts', async () => {
    const { customer, calls } = createPaidHarness();
    const other = 'f'.repeat(16);
    const elsewhere = await customer(1000, { configs: [other] });
    expect((await elsewhere.predict({ text: 'a', config: CONFIG })).status).toBe(403);
    expect((await elsewhere.predict()).status).toBe(404);
    const here = await customer(1000, { experts: ['cola'], configs: [CONFIG] });
    expect((await here.predict({ text: 'a', task: 'sst2' })).status).toBe(403);
    expect((await here.predict({ text: 'a', mix: { sst2: 0.5, cola: 0.5 } })).status).toBe(403);
    expect((await here.predict({ text: 'a', task: 'cola' })).body).toMatchObject({ task: 'cola' });
    // The router wants sst2 first; only cola may answer.
    expect((await here.predict()).body).toMatchObject({ task: 'cola', mix: [{ expert: 'cola', weight: 0.2 }] });
    expect(calls).toHaveLength(2);
    expect(await here.balance()).toBe(1000 - 2 * 16);
  });

  test('that is revoked is refused at once where it costs, and after ten seconds elsewhere', async () => {
    let nowMs = Date.now();
    const { admin, customer } = createPaidHarness({ now: () => nowMs });
    const { id, keyId, predict, get } = await customer();
    expect((await predict()).status).toBe(200);
    await admin('DELETE', `accounts/${id}/keys/${keyId}`);
    expect((await predict()).status).toBe(401);
    expect((await get('/v1/experts')).status).toBe(200);
    nowMs += 10_000;
    expect((await get('/v1/experts')).status).toBe(401);
  });

  test('is rotated without a gap: both secrets are good until the overlap ends', async () => {
    const { admin, customer, post } = createPaidHarness();
    const { id, keyId, key, predict } = await customer();
    const rotate = async (seconds: number) =>
      (await admin('POST', `accounts/${id}/keys/${keyId}/rotate`, { overlap_seconds: seconds })).body.key;
    const ask = async (secret: string) => (await post('/v1/predict', { text: 'a' }, { authorization: `Bearer ${secret}` })).status;
    const second = await rotate(3600);
    expect([(await predict()).status, await ask(second)]).toEqual([200, 200]);
    const third = await rotate(0);
    expect([await ask(key), await ask(second), await ask(third)]).toEqual([401, 401, 200]);
  });

  test('has a rate limit that is exact, also across an eviction and in parallel', async () => {
    // The account's own clock counts; a run that crosses into the next minute starts over.
    for (let attempt = 0; ; attempt++) {
      const { customer } = createPaidHarness();
      const { predict, stub, balance } = await customer(1_000_000, { requests_per_minute: 7 });
      const minute = Math.floor(Date.now() / 60_000);
      const first = await Promise.all(Array.from({ length: 5 }, () => predict()));
      await evictDurableObject(stub);
      const rest = await Promise.all(Array.from({ length: 5 }, () => predict()));
      if (Math.floor(Date.now() / 60_000) !== minute && attempt < 3) continue;
      const statuses = [...first, ...rest].map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(7);
      const refused = rest.find(({ status }) => status === 429);
      expect(refused?.body).toMatchObject({ error: { code: 'rate_limited' } });
      expect(refused?.headers.get('x-ratelimit-limit-requests')).toBe('7');
      expect(refused?.headers.get('x-ratelimit-remaining-requests')).toBe('0');
      expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(first.map(({ headers }) => String(headers.get('x-ratelimit-remaining-requests'))).sort()).toEqual(['2', '3', '4', '5', '6']);
      expect(await balance()).toBe(1_000_000 - 7 * 16);
      return;
    }
  });
});

test('headers that would name a tenant are not read', async () => {
  const { customer, post } = createPaidHarness();
  const { id, keyId } = await customer();
  const spoof = { 'x-tenant': id, 'x-account': id, 'x-key-id': keyId, tenant: id, 'x-balance-micros': '1000000', 'x-usage-micros': '0' };
  expect((await post('/v1/predict', { text: 'a' }, spoof)).status).toBe(401);
  const poor = await customer(0);
  const { status, headers } = await poor.predict({ text: 'a' }, spoof);
  expect(status).toBe(402);
  expect(headers.get('x-balance-micros')).toBeNull();
});

test('a root secret that is too short, or prices that do not fit, open nothing', async () => {
  const { bindAccounts } = await import('../../../src/edge/accounts/bind-accounts.ts');
  const { env } = await import('cloudflare:workers');
  expect(() => bindAccounts({ ...env, ADMIN_SECRET: 'short' })).toThrow('ADMIN_SECRET');
  expect(() => bindAccounts({ ...env, ADMIN_SECRET: ROOT, PRICES: '{"answer": {"request": -1}}' })).toThrow('PRICES');
  const { ACCOUNTS: _gone, ...rest } = env;
  expect(() => bindAccounts({ ...rest, ADMIN_SECRET: ROOT })).toThrow('ACCOUNTS');
});

test('answers that are kept for one account are not another one’s', async () => {
  const { customer, calls } = createPaidHarness({ upstream: { cache: { bytes: 100_000, seconds: 60 } } });
  const [ada, eve] = [await customer(), await customer()];
  for (const { predict } of [ada, ada, eve]) expect((await predict({ text: 'the same', cache: true })).status).toBe(200);
  expect(calls).toHaveLength(2);
  // An answer costs the same, wherever it comes from.
  expect([await ada.balance(), await eve.balance()]).toEqual([1_000_000 - 2 * 16, 1_000_000 - 16]);
});
