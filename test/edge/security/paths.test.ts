// Ways around authentication by spelling a path, a method or a header otherwise.

import { describe, expect, test } from 'vitest';
import { createPaidHarness, ROOT } from '../accounts/harness.ts';

const SPELLINGS = [
  '/v1/predict/',
  '//v1/predict',
  '/v1//predict',
  '/v1/./predict',
  '/v1/x/../predict',
  '/v1/%70redict',
  '/v1/%2570redict',
  '/v1%2Fpredict',
  '/V1/Predict',
  '/v1/predict;x=1',
  '/v1/predict%00',
  '/v1/predict?access=public',
  '/health/../v1/predict',
  '/%2e%2e/v1/predict',
  '/docs/..%2fv1/predict',
  '/v1\\predict',
];

describe('without a key', () => {
  test.each(SPELLINGS)('POST %s is answered by nobody', async (path) => {
    const { app, calls } = createPaidHarness();
    const response = await app.request(`http://edge.test${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-original-url': '/health',
        'x-rewrite-url': '/health',
        'x-http-method-override': 'GET',
      },
      body: '{"text": "a"}',
    });
    expect([401, 404]).toContain(response.status);
    expect(calls).toEqual([]);
  });

  test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'])('%s tells nothing of what keys are for', async (method) => {
    const { app } = createPaidHarness();
    for (const path of ['/v1/experts', '/v1/configs', '/v1/usage', '/v1/statement', '/v1/experiments', '/v1/predict']) {
      const { status } = await app.request(path, { method });
      expect({ path, refused: status === 401 || status === 405 || (method === 'OPTIONS' && status === 204) }).toEqual({
        path,
        refused: true,
      });
    }
  });
});

describe('the admin API', () => {
  test.each([
    '/admin/v1/accounts/',
    '//admin/v1/accounts',
    '/admin//v1/accounts',
    '/Admin/v1/accounts',
    '/%61dmin/v1/accounts',
    '/admin/v1/%61ccounts',
    '/v1/../admin/v1/accounts',
    '/admin/v1/accounts?authorization=Bearer',
    '/admin%2fv1%2faccounts',
  ])('%s is open to nobody', async (path) => {
    const { app } = createPaidHarness();
    expect([401, 404]).toContain((await app.request(`http://edge.test${path}`)).status);
  });

  test('wants the root secret, and no key nor any part of the secret will do', async () => {
    const { admin, customer } = createPaidHarness();
    const { key } = await customer(0, { scopes: ['predict', 'route', 'feedback', 'admin-read'] });
    for (const secret of [key, ROOT.toUpperCase(), `${ROOT}\u00a0`, ROOT.slice(1), 'undefined', 'null', '', '*'])
      expect((await admin('GET', 'accounts', undefined, encodeURI(secret))).status).toBe(401);
    expect((await admin('GET', 'accounts')).status).toBe(200);
  });

  test('is not there without a root secret, whatever is sent', async () => {
    const { createHarness } = await import('../helpers/harness.ts');
    const { app } = createHarness();
    for (const secret of ['undefined', '', ROOT])
      expect([401, 404]).toContain((await app.request('/admin/v1/accounts', { headers: { authorization: `Bearer ${secret}` } })).status);
  });
});

test('other ways to bring a key or to name an account are not read', async () => {
  const { app, customer } = createPaidHarness();
  const { id, key } = await customer(0, { scopes: ['admin-read'] });
  for (const [path, headers] of [
    [`/v1/usage?key=${key}`, {}],
    [`/v1/usage?access_token=${key}`, {}],
    ['/v1/usage', { cookie: `authorization=Bearer ${key}` }],
    ['/v1/usage', { 'x-api-key': key }],
    ['/v1/usage', { 'proxy-authorization': `Bearer ${key}` }],
    [`/v1/usage?account=${id}`, { 'x-account': id }],
  ] as const)
    expect((await app.request(path, { headers })).status).toBe(401);
});
