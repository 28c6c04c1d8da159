// Headers by which a caller would pass for the edge, for a proxy, for Cloudflare or for somebody else.

import { describe, expect, test } from 'vitest';
import { openKeyRing } from '../../../src/formats/signing/key-ring.ts';
import { generateKeySets } from '../../../src/formats/signing/generate-keys.ts';
import { createPaidHarness } from '../accounts/harness.ts';
import { ALL, answer, createHarness } from '../helpers/harness.ts';
import { createExperimentHarness, experiment } from '../helpers/experiment-harness.ts';

const MARK = 'spoofed-by-the-caller';
/** Every name that edge, origin or a proxy between them gives a meaning to. */
const SPOOFED: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'x-receipt',
    'x-error-code',
    'x-usage-micros',
    'x-usage-tokens',
    'x-balance-micros',
    'x-tenant',
    'x-account',
    'x-key-id',
    'x-internal-auth',
    'signature',
    'signature-input',
    'content-digest',
    'forwarded',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-real-ip',
    'via',
    'cf-connecting-ip',
    'cf-ipcountry',
    'cf-ipcontinent',
    'cf-ray',
    'cf-worker',
    'cdn-loop',
    'cookie',
    'referer',
    'x-original-url',
  ].map((name) => [name, MARK]),
);

test('nothing of it reaches an origin, nor comes back', async () => {
  const { edge } = await generateKeySets('hmac-sha256');
  const keys = await openKeyRing(JSON.stringify(edge), 'edge');
  for (const signing of [undefined, { keys, now: Date.now, nonce: () => crypto.randomUUID() }]) {
    const { post, calls } = createHarness({ ...(signing && { signing }) });
    const { headers, body } = await post('/v1/predict', { text: 'a' }, SPOOFED);
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) expect(JSON.stringify([...call.headers])).not.toContain(MARK);
    expect(JSON.stringify([...headers])).not.toContain(MARK);
    expect(JSON.stringify(body)).not.toContain(MARK);
  }
});

test('a deadline of the protocol behind the edge is not the caller’s to set', async () => {
  const { post, calls } = createHarness();
  expect((await post('/v1/predict', { text: 'a' }, { 'x-request-deadline-ms': '999999999' })).status).toBe(200);
  expect(Number(calls[0].headers.get('x-request-deadline-ms'))).toBeLessThanOrEqual(1_000);
  expect((await post('/v1/predict', { text: 'a' }, { 'x-request-timeout-ms': '999999999' })).status).toBe(200);
  expect(Number(calls[1].headers.get('x-request-deadline-ms'))).toBeLessThanOrEqual(1_000);
});

test('what an origin puts into its headers stays between it and the edge', async () => {
  const { post } = createHarness({
    origin: (call) => {
      const given = answer(call);
      for (const name of ['set-cookie', 'x-usage-micros', 'access-control-allow-origin', 'location', 'x-request-id'])
        given.headers.set(name, MARK);
      return given;
    },
  });
  const { status, headers } = await post('/v1/predict', { text: 'a' });
  expect(status).toBe(200);
  expect(JSON.stringify([...headers])).not.toContain(MARK);
});

describe('where a caller is', () => {
  test('is Cloudflare’s word alone: a header that names a region moves no request', async () => {
    const endpoints = [
      { ...ALL, id: 'eu', url: 'https://eu.test', region: 'EU' },
      { ...ALL, id: 'us', url: 'https://us.test', region: 'NA' },
    ];
    const asked = async (headers: Record<string, string>): Promise<string[]> => {
      const { post, calls } = createHarness({ endpoints });
      await post('/v1/predict', { text: 'a' }, headers);
      return calls.map(({ url }) => new URL(url).host);
    };
    const plain = await asked({});
    for (const region of ['EU', 'NA'])
      expect(
        await asked({ 'cf-ipcontinent': region, 'cf-region': region, 'x-region': region, cf: `{"continent":"${region}"}`, colo: region }),
      ).toEqual(plain);
  });
});

describe('a request id', () => {
  test.each([
    'a\tb',
    'a b',
    '../../x',
    '{"id":1}',
    'a,b',
    'é',
    '%0d%0aset-cookie:x',
    'x'.repeat(101),
    '$(id)',
    '<img src=x>',
    "'; DROP TABLE entries; --",
  ])('%j is replaced, in answer, log, ledger and on the way to the origin', async (sent) => {
    const { customer, calls } = createPaidHarness();
    const { predict, stub } = await customer();
    const { headers, body } = await predict({ text: 'a' }, { 'x-request-id': sent });
    const id = headers.get('x-request-id');
    expect(id).toMatch(/^id-\d+$/);
    expect(body).toMatchObject({ id });
    expect(calls[0].headers.get('x-request-id')).toBe(id);
    expect((await stub.entries(0, 1))?.[0]?.request).toBe(id);
  });
});

describe('an arm', () => {
  test('is forced where the experiment allows it, and nowhere else', async () => {
    const [open, closed] = [experiment({ allow_forced: true }), experiment()];
    const { post } = await createExperimentHarness([open, closed]);
    const force = (value: string) => post('/v1/predict', { text: 'a' }, { 'x-twinroute-arm': value });
    expect(await force(`${open.key}=new`)).toMatchObject({ status: 200, body: { experiment: { arm: 'new', forced: true } } });
    for (const value of [
      `${closed.key}=new`,
      `${open.key}=nobody`,
      open.key,
      '=new',
      '',
      `${open.key}=new=`,
      `__proto__=new`,
      `${open.key}=constructor`,
    ])
      expect({ value, status: (await force(value)).status }).toEqual({ value, status: 400 });
  });
});
