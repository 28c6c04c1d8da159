import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ErrorBody, HTTP_LIMITS } from '../../src/contract/http.ts';
import { parseWith } from '../../src/contract/parse.ts';
import { createHarness, input } from './helpers/harness.ts';

const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;

describe('bodies that are refused', () => {
  const cases: readonly [name: string, body: unknown, status: number, code: string, param?: string][] = [
    ['no JSON', '{"text": "a"', 400, 'invalid_request'],
    ['nothing', '', 400, 'invalid_request'],
    ['null', 'null', 400, 'invalid_request'],
    ['a list', '[]', 400, 'invalid_request'],
    ['brackets without end', deep, 400, 'invalid_request'],
    ['brackets inside a field', `{"text":"a","mix":${deep}}`, 400, 'invalid_request'],
    ['no text', {}, 400, 'invalid_request', 'text'],
    ['empty text', { text: '' }, 400, 'invalid_request', 'text'],
    ['blank text', { text: ' \n\t ' }, 400, 'invalid_request', 'text'],
    ['a number as text', { text: 5 }, 400, 'invalid_request', 'text'],
    ['a text of more than the limit', { text: 'a'.repeat(HTTP_LIMITS.textChars + 1) }, 400, 'invalid_request', 'text'],
    ['an empty pair', { text: 'a', text_pair: '' }, 400, 'invalid_request', 'text_pair'],
    ['a text of 1 MB', { text: 'a'.repeat(1 << 20) }, 413, 'too_large'],
    ['an unknown field', { text: 'a', temperature: 1 }, 400, 'invalid_request'],
    ['a polluting field', '{"text":"a","__proto__":{"task":"cola"}}', 400, 'invalid_request'],
    ['an unknown task', { text: 'a', task: 'nobody' }, 404, 'not_found', 'task'],
    ['a task of an object’s own', { text: 'a', task: 'constructor' }, 404, 'not_found', 'task'],
    ['a task that is no name', { text: 'a', task: '../x' }, 400, 'invalid_request', 'task'],
    ['an unknown config', { text: 'a', config: 'f'.repeat(16) }, 404, 'not_found', 'config'],
    ['a config that is none', { text: 'a', config: 'latest' }, 400, 'invalid_request', 'config'],
    ['top_k 0', { text: 'a', top_k: 0 }, 400, 'invalid_request', 'top_k'],
    ['top_k 1.5', { text: 'a', top_k: 1.5 }, 400, 'invalid_request', 'top_k'],
    ['an unknown expert in a mix', { text: 'a', mix: { nobody: 1 } }, 400, 'invalid_request', 'mix.nobody'],
    ['a negative weight', { text: 'a', mix: { cola: -0.1 } }, 400, 'invalid_request', 'mix.cola'],
    ['NaN as JSON has it', { text: 'a', mix: { cola: Number.NaN } }, 400, 'invalid_request', 'mix'],
    ['NaN as JSON has it not', '{"text":"a","mix":{"cola":NaN}}', 400, 'invalid_request'],
    ['an infinite weight', '{"text":"a","mix":{"cola":1e999}}', 400, 'invalid_request', 'mix'],
    ['a sum above 1', { text: 'a', mix: { cola: 0.6, sst2: 0.6 } }, 400, 'invalid_request', 'mix'],
    [
      'an expert twice',
      {
        text: 'a',
        mix: [
          { expert: 'cola', weight: 0.1 },
          { expert: 'cola', weight: 0.1 },
        ],
      },
      400,
      'invalid_request',
      'mix.cola',
    ],
    ['a mix of nothing without a task', { text: 'a', mix: {} }, 400, 'invalid_request', 'task'],
    ['a batch of none', { inputs: [] }, 400, 'invalid_request', 'inputs'],
    ['a batch of too many', { inputs: Array.from({ length: 65 }, () => ({ text: 'a' })) }, 400, 'invalid_request', 'inputs'],
    ['a batch beside a text', { inputs: [{ text: 'a' }], text: 'a' }, 400, 'invalid_request'],
    ['a batch that is no list', { inputs: { text: 'a' } }, 400, 'invalid_request', 'inputs'],
  ];
  test.each(cases)('%s', async (_, sent, status, code, param) => {
    const { post, calls, logged } = createHarness();
    const response = await post('/v1/predict', sent);
    expect(response.status).toBe(status);
    const { error } = parseWith(ErrorBody, response.body, 'body', 'internal');
    expect(error).toMatchObject({ code, request_id: 'id-0' });
    expect(error.param).toBe(param);
    expect(response.headers.get('x-request-id')).toBe('id-0');
    expect(calls).toEqual([]);
    expect(logged).toEqual([]);
  });

  test('bytes that are not UTF-8', async () => {
    const { app } = createHarness();
    const body = new Uint8Array([...new TextEncoder().encode('{"text":"'), 0xff, 0xfe, ...new TextEncoder().encode('"}')]);
    const response = await app.request('/v1/predict', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect(response.status).toBe(400);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', undefined])('content type %s', async (type) => {
    const { app } = createHarness();
    const body = new TextEncoder().encode('{"text":"a"}');
    const response = await app.request('/v1/predict', {
      method: 'POST',
      body,
      headers: type === undefined ? {} : { 'content-type': type },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param: 'content-type' } });
  });

  test('a stream without a length is given up soon after the limit', async () => {
    const { app } = createHarness();
    let pulled = 0;
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(64 << 10).fill(0x20));
      },
    });
    const response = await app.request('/v1/predict', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect(response.status).toBe(413);
    expect(pulled).toBeLessThan(60);
  });

  test.each(['0', '-5', '1.5', 'soon', '1e3', '9'.repeat(30)])('x-request-timeout-ms %s', async (value) => {
    const { post } = createHarness();
    expect(await post('/v1/predict', { text: 'a' }, { 'x-request-timeout-ms': value })).toMatchObject({
      status: 400,
      body: { error: { param: 'x-request-timeout-ms' } },
    });
  });
});

describe('texts that are unusual', () => {
  test.each([
    ['NUL', 'a\u0000b', 'a\u0000b'],
    ['right to left', 'שלום \u202Eabc عالم', 'שלום \u202Eabc عالم'],
    ['emoji', '👩‍👩‍👧‍👦 🏳️‍🌈', '👩‍👩‍👧‍👦 🏳️‍🌈'],
    ['combining marks', `Z${'\u0301'.repeat(500)}`, `Z${'\u0301'.repeat(500)}`],
    ['a lone high surrogate', 'a\ud83d', 'a\ufffd'],
    ['a lone low surrogate', '\udc4d a', '\ufffd a'],
    ['the longest', 'é'.repeat(HTTP_LIMITS.textChars), 'é'.repeat(HTTP_LIMITS.textChars)],
  ])('%s reaches the origin', async (_, text, arrived) => {
    const { post, calls } = createHarness();
    expect((await post('/v1/predict', { text })).status).toBe(200);
    expect(input(calls[0], 'text')?.data).toEqual([arrived]);
  });
});

test('property: any JSON is answered with 200 or a 4xx in the one error shape', async () => {
  const { post } = createHarness();
  const field = fc.oneof(
    fc.constantFrom('text', 'text_pair', 'task', 'mix', 'top_k', 'config', 'explain', 'inputs'),
    fc.string({ unit: 'binary' }),
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue())), async (value) => {
      const { status, body } = await post('/v1/predict', value);
      if (status !== 200) parseWith(ErrorBody, body, 'body', 'internal');
      expect(status === 200 || (status >= 400 && status < 500)).toBe(true);
    }),
    { seed: 11, numRuns: 300 },
  );
});

describe('paths, methods, ids', () => {
  test.each([
    ['GET', '/v1/nothing', 404, 'not_found', null],
    ['GET', '/packs/index.json', 404, 'not_found', null],
    ['GET', '/', 404, 'not_found', null],
    ['GET', '/v1/predict', 405, 'method_not_allowed', 'POST'],
    ['DELETE', '/v1/experts', 405, 'method_not_allowed', 'GET'],
    ['POST', '/openapi.json', 405, 'method_not_allowed', 'GET'],
    ['OPTIONS', '/v1/predict', 405, 'method_not_allowed', 'POST'],
  ])('%s %s', async (method, path, status, code, allow) => {
    const { app } = createHarness();
    const response = await app.request(path, { method });
    expect(response.status).toBe(status);
    expect(parseWith(ErrorBody, await response.json(), 'body', 'internal').error.code).toBe(code);
    expect(response.headers.get('allow')).toBe(allow);
    expect(response.headers.get('x-request-id')).toBe('id-0');
    expect(response.headers.get('server-timing')).toMatch(/total/);
  });

  test.each(['a b', 'x'.repeat(101), '<script>', ''])('id %j is replaced', async (sent) => {
    const { app } = createHarness();
    expect((await app.request('/health', { headers: { 'x-request-id': sent } })).headers.get('x-request-id')).toBe('id-0');
  });
});
