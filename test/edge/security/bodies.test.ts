// Bodies that are too large, too deep, or never come.

import { describe, expect, test } from 'vitest';
import { HTTP_LIMITS } from '../../../src/contract/http.ts';
import { createPaidHarness, ROOT } from '../accounts/harness.ts';
import { createHarness } from '../helpers/harness.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** A body that begins and never ends. */
function trickle(): { readonly body: ReadableStream<Uint8Array>; readonly cancelled: () => boolean } {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"text": "')),
    cancel: () => void (cancelled = true),
  });
  return { body, cancelled: () => cancelled };
}

/** An endless body of spaces, which tells how much of it was taken. */
function flood(): { readonly body: ReadableStream<Uint8Array>; readonly taken: () => number } {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      taken += 64 << 10;
      controller.enqueue(new Uint8Array(64 << 10).fill(0x20));
    },
  });
  return { body, taken: () => taken };
}

describe('a body that does not come', () => {
  test('is waited for until the deadline of its request, then dropped', async () => {
    const { app, calls } = createHarness();
    const { body, cancelled } = trickle();
    const response = await app.request('/v1/predict', { method: 'POST', body, headers: { ...JSON_TYPE, 'x-request-timeout-ms': '50' } });
    expect(response.status).toBe(408);
    expect(await response.json()).toMatchObject({ error: { code: 'request_timeout' } });
    expect(cancelled()).toBe(true);
    expect(calls).toEqual([]);
  });

  test('holds a place among the requests under way no longer than that', async () => {
    const { app, post } = createHarness({ upstream: { in_flight: 2, request_ms: 80 } });
    const slow = Array.from({ length: 2 }, async () =>
      app.request('/v1/predict', { method: 'POST', body: trickle().body, headers: JSON_TYPE }),
    );
    expect((await post('/v1/predict', { text: 'a' })).status).toBe(429);
    for (const response of await Promise.all(slow)) expect(response.status).toBe(408);
    expect((await post('/v1/predict', { text: 'a' })).status).toBe(200);
  });

  test('reserves nothing of an account', async () => {
    const { app, customer } = createPaidHarness();
    const { key, stub } = await customer();
    const headers = { ...JSON_TYPE, authorization: `Bearer ${key}`, 'x-request-timeout-ms': '50' };
    expect((await app.request('/v1/predict', { method: 'POST', body: trickle().body, headers })).status).toBe(408);
    expect(await stub.entries(0, 9)).toEqual([]);
  });
});

describe('a body without end', () => {
  test.each([
    ['/v1/predict', {}],
    ['/v1/route', {}],
    ['/v1/feedback', {}],
    ['/admin/v1/accounts', { authorization: `Bearer ${ROOT}` }],
  ])('is given up by %s soon after the limit', async (path, extra) => {
    const { app, customer } = createPaidHarness();
    const { key } = await customer(0, { scopes: ['predict', 'route', 'feedback'] });
    const { body, taken } = flood();
    const response = await app.request(path, { method: 'POST', body, headers: { authorization: `Bearer ${key}`, ...JSON_TYPE, ...extra } });
    expect(response.status).toBe(413);
    expect(taken()).toBeLessThan(4 * HTTP_LIMITS.bodyBytes);
  });

  test('is not read at all of somebody without a key', async () => {
    const { app } = createPaidHarness();
    const { body, taken } = flood();
    expect((await app.request('/v1/predict', { method: 'POST', body, headers: JSON_TYPE })).status).toBe(401);
    expect(taken()).toBeLessThanOrEqual(64 << 10);
  });
});

describe('brackets inside brackets', () => {
  const deep = (levels: number, around: (inner: string) => string): string => around('['.repeat(levels) + ']'.repeat(levels));
  test.each([
    ['the body', (inner: string) => inner],
    ['an input of a batch', (inner: string) => `{"inputs": [${inner}, {"text": "a"}]}`],
    ['a mix', (inner: string) => `{"text": "a", "mix": ${inner}}`],
    ['an unknown field', (inner: string) => `{"text": "a", "x": ${inner}}`],
  ])('100,000 deep as %s are refused, also where the body is hashed for an idempotency key', async (_, around) => {
    const { customer, calls, logged } = createPaidHarness();
    const { predict } = await customer();
    const { status, body } = await predict(deep(100_000, around), { 'idempotency-key': 'k' });
    expect({ status, body }).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
    expect(calls).toEqual([]);
    expect(logged).toEqual([]);
  });

  test('in a text are only text', async () => {
    const { post } = createHarness();
    expect((await post('/v1/predict', { text: '['.repeat(1000) })).status).toBe(200);
  });
});
