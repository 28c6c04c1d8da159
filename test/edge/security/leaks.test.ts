// What must never be in a log: texts, users, keys and secrets, however a request fails and whoever words the failure.

import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, test, vi } from 'vitest';
import { openKeyRing } from '../../../src/formats/signing/key-ring.ts';
import { openEndpoints } from '../../../src/edge/endpoints.ts';
import { bindAccounts } from '../../../src/edge/accounts/bind-accounts.ts';
import { createPaidHarness, ROOT, type PaidOptions } from '../accounts/harness.ts';
import { answer } from '../helpers/harness.ts';

afterEach(() => void vi.restoreAllMocks());

const TEXT = 'a text that nobody else may read';
const USER = 'user-4711-private';

/** Everything that is written to the console. */
function capture(): string[] {
  const lines: string[] = [];
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const)
    vi.spyOn(console, method).mockImplementation((...args: unknown[]) => void lines.push(args.map(String).join(' ')));
  return lines;
}

/** An error as any logger may write it: with its causes and stack. */
function wholly(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.message, error.stack ?? '', JSON.stringify(error), error.cause === undefined ? '' : wholly(error.cause)].join('\n');
}

const quoted = (text: string): string => JSON.stringify({ error: `cannot read "${text}"`, text });

const FAILURES: readonly (readonly [string, PaidOptions])[] = [
  ['an origin that quotes the text in a 500', { origin: () => new Response(quoted(TEXT), { status: 500 }) }],
  ['an origin that quotes it in a 503', { origin: () => new Response(quoted(TEXT), { status: 503 }) }],
  ['an origin that quotes it in a 400', { origin: () => new Response(quoted(TEXT), { status: 400 }) }],
  [
    'an origin that quotes it in a 400 that is the caller’s fault',
    { origin: () => new Response(quoted(TEXT), { status: 400, headers: { 'x-error-code': 'invalid_request' } }) },
  ],
  ['an origin that answers with the text alone', { origin: () => new Response(TEXT) }],
  ['an origin whose answer is cut off in the text', { origin: () => new Response(`{"model_name": "${TEXT}`) }],
  ['an origin whose label is the text', { origin: (call) => answer(call, { label: { datatype: 'INT32', shape: [1], data: [TEXT] } }) }],
  [
    'an origin whose head is the text',
    { routing: 'origin', origin: (call) => answer(call, { head: { datatype: 'BYTES', shape: [1], data: [TEXT] } }) },
  ],
  ['an origin that is another model', { origin: () => Response.json({ model_name: TEXT, model_version: TEXT, outputs: [] }) }],
  ['a connection that fails', { origin: () => Promise.reject(new Error('connection refused')) }],
  [
    'a queue that is full and an account that is gone',
    {
      sabotage: (accounts) => ({
        ...accounts,
        send: () => Promise.reject(new Error('full')),
        calls: (id) => ({
          ...accounts.calls(id),
          authenticate: (proof) => accounts.calls(id).authenticate(proof),
          open: (...args) => accounts.calls(id).open(...args),
          release: (seq) => accounts.calls(id).release(seq),
          settle: () => Promise.reject(new Error('gone')),
        }),
      }),
    },
  ],
];

test.each(FAILURES)('%s: no line has the text, the user or a secret', async (_, options) => {
  const lines = capture();
  const { customer, post, logged, admin, app } = createPaidHarness(options);
  const { key, predict, stub } = await customer();
  await predict({ text: TEXT, user: USER }, { 'idempotency-key': 'order-of-somebody', 'x-request-id': 'r' });
  await predict({ inputs: [{ text: TEXT }, { text: TEXT, task: TEXT }, TEXT] });
  await predict(`{"text": "${TEXT}`);
  await post('/v1/route', { text: TEXT }, { authorization: `Bearer ${key}0` });
  await app.request(`/v1/statement?after=${encodeURIComponent(TEXT)}`, { headers: { authorization: `Bearer ${key}` } });
  await admin('GET', `accounts/${key}`, undefined, `${ROOT}${key}`);
  await runDurableObjectAlarm(stub);
  const written = [...lines, ...logged.map(wholly)];
  for (const line of written)
    for (const secret of [TEXT, USER, key, key.slice(-52), ROOT, 'order-of-somebody', 'Bearer ']) expect(line).not.toContain(secret);
});

test('an error in a secret or an address of the deployment does not quote it', async () => {
  const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYzI';
  const thrown: unknown[] = [];
  for (const text of [
    secret,
    `{"keys": [{"kty": "oct", "kid": "a", "k": "${secret}!"}]}`,
    `{"keys": "${secret}"}`,
    `{"keys": [{"k": "${secret}"`,
  ])
    thrown.push(await openKeyRing(text, 'SIGNING_KEYS').catch((error: unknown) => error));
  for (const open of [
    () => openEndpoints({ ENDPOINTS: JSON.stringify([{ id: 'a', url: `https://me:${secret}@eu.example.com`, experts: '*' }]) }),
    () => bindAccounts({ ...env, ADMIN_SECRET: secret.slice(0, 20) }),
  ]) {
    try {
      open();
    } catch (error) {
      thrown.push(error);
    }
  }
  expect(thrown).toHaveLength(6);
  for (const error of thrown) {
    expect(error).toBeInstanceOf(Error);
    expect(wholly(error)).not.toContain(secret.slice(0, 20));
  }
});
