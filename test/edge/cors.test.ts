import { describe, expect, test } from 'vitest';
import { createPaidHarness } from './accounts/harness.ts';
import { createHarness } from './helpers/harness.ts';

const PAGE = 'https://app.example.com';
const PREFLIGHT = { origin: PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };

describe('by default any page', () => {
  test('may ask first, without a key, and is told for how long', async () => {
    const { app } = createPaidHarness();
    const { status, headers } = await app.request('/v1/predict', { method: 'OPTIONS', headers: PREFLIGHT });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST');
    for (const name of ['authorization', 'idempotency-key', 'content-type', 'x-request-timeout-ms'])
      expect(headers.get('access-control-allow-headers')?.split(', ')).toContain(name);
    expect(headers.get('access-control-max-age')).toBe('7200');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  test.each(['/v1/configs', '/openapi.json', '/v1/nothing'])('may read %s with its headers, errors too', async (path) => {
    const { app } = createHarness();
    const { headers } = await app.request(path, { headers: { origin: PAGE } });
    expect(headers.get('access-control-allow-origin')).toBe('*');
    for (const name of ['x-request-id', 'server-timing', 'ratelimit', 'x-usage-micros', 'retry-after'])
      expect(headers.get('access-control-expose-headers')?.split(', ')).toContain(name);
  });

  test.each(['/admin/v1/accounts', '/admin/v1/nothing', '/health'])('may not call %s', async (path) => {
    const { app } = createPaidHarness();
    const asked = await app.request(path, { method: 'OPTIONS', headers: PREFLIGHT });
    expect(asked.status).toBeGreaterThanOrEqual(400);
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
    expect((await app.request(path, { headers: { origin: PAGE } })).headers.get('access-control-allow-origin')).toBeNull();
  });
});

test('listed pages only: they are named, others hear nothing, and caches keep them apart', async () => {
  const { app } = createHarness({ corsOrigins: [PAGE] });
  const ask = async (origin: string) => {
    const { headers } = await app.request('/v1/configs', { headers: { origin } });
    return [headers.get('access-control-allow-origin'), headers.get('vary')];
  };
  expect(await ask(PAGE)).toEqual([PAGE, 'origin']);
  for (const origin of ['https://app.example.com.evil.test', 'http://app.example.com', 'null'])
    expect(await ask(origin)).toEqual([null, 'origin']);
  const refused = await app.request('/v1/predict', { method: 'OPTIONS', headers: { ...PREFLIGHT, origin: 'https://evil.test' } });
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([405, null]);
});

test('a key with a rate says where it stands as structured fields too', async () => {
  const { customer } = createPaidHarness();
  const { predict } = await customer(1_000_000, { requests_per_minute: 2 });
  const { headers } = await predict();
  expect(headers.get('ratelimit-policy')).toBe('"key";q=2;w=60');
  expect(headers.get('ratelimit')).toMatch(/^"key";r=1;t=\d{1,2}$/);
});
