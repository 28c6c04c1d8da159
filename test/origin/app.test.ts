// The protocol as a client sees it, over a predictor whose answers can be computed by hand.

import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { OIP_LIMITS, OipResponse } from '../../src/contract/oip.ts';
import { createFakeApp, matrix, texts } from './fake-app.ts';
import { createFakePredictor } from './fake-predictor.ts';
import { ANSWER_OUTPUTS, TEXT_MODEL_INPUTS } from '../helpers/oip-tensors.ts';

const INFER = '/v2/models/glue/infer';

const many = (count: number, text: string): string[] => Array.from({ length: count }, () => text);

/** Data of an answer's outputs by name. */
async function outputsOf(response: Response): Promise<Record<string, unknown>> {
  if (response.status !== 200) throw new Error(await response.text());
  const { outputs } = z.parse(OipResponse, await response.json());
  return Object.fromEntries(outputs.map(({ name, data }) => [name, data]));
}

describe('server and models', () => {
  test('names itself, lives and is ready', async () => {
    const { app } = createFakeApp();
    expect(await (await app.request('/v2')).json()).toMatchObject({
      name: 'twinroute',
      version: '1.2.3',
      extensions: expect.arrayContaining(['binary_tensor_data']),
    });
    expect(await (await app.request('/v2/health/live')).json()).toEqual({ live: true });
    expect((await app.request('/v2/health/ready')).status).toBe(200);
    expect(await (await app.request('/v2/models/glue/ready')).json()).toEqual({ name: 'glue', ready: true });
  });

  test('tells the tensors of both models of a pack', async () => {
    const { app } = createFakeApp();
    expect(await (await app.request('/v2/models/glue')).json()).toEqual({
      name: 'glue',
      versions: ['0123456789abcdef'],
      platform: 'onnx_onnxv1',
      inputs: TEXT_MODEL_INPUTS,
      outputs: ANSWER_OUTPUTS,
      parameters: { experts: 'cola,mnli,stsb', max_tokens: 8, route: false },
    });
    expect(await (await app.request('/v2/models/glue/config')).json()).toMatchObject({
      name: 'glue',
      max_batch_size: 0,
      input: [
        { name: 'text', data_type: 'TYPE_STRING', dims: [-1], optional: false },
        { name: 'text_pair', optional: true },
        { name: 'mix', data_type: 'TYPE_FP32', dims: [-1, 3], optional: true },
        { name: 'head', optional: true },
      ],
      output: expect.arrayContaining([{ name: 'truncated', data_type: 'TYPE_BOOL', dims: [-1] }]),
    });
    expect(await (await app.request('/v2/models/glue.tokens/versions/0123456789abcdef/config')).json()).toMatchObject({
      input: [{ name: 'input_ids', data_type: 'TYPE_INT64', dims: [-1, -1], optional: false }, {}, {}, { optional: true }, {}],
    });
    const tokens = await (await app.request('/v2/models/glue.tokens/versions/0123456789abcdef')).json();
    expect(tokens).toMatchObject({
      name: 'glue.tokens',
      inputs: [{ name: 'input_ids', datatype: 'INT64', shape: [-1, -1] }, {}, {}, {}, {}],
    });
  });

  test('packs of one name are versions, the first the default', async () => {
    const { app, post } = createFakeApp([createFakePredictor(), createFakePredictor({ version: 'fedcba9876543210', maxTokens: 4 })]);
    expect(await (await app.request('/v2/models/glue')).json()).toMatchObject({
      versions: ['0123456789abcdef', 'fedcba9876543210'],
      parameters: { max_tokens: 8 },
    });
    expect(await (await app.request('/v2/models/glue/versions/fedcba9876543210')).json()).toMatchObject({ parameters: { max_tokens: 4 } });
    expect(await (await post('/v2/repository/index', {})).json()).toHaveLength(4);
    expect(await (await app.request('/v2/repository/index', { method: 'POST' })).json()).toContainEqual({
      name: 'glue.tokens',
      version: 'fedcba9876543210',
      state: 'READY',
      reason: '',
    });
    expect(() => createFakeApp([createFakePredictor(), createFakePredictor()])).toThrow('different names or configs');
  });
});

describe('inference on text', () => {
  test('rows of one request differ in mix and head', async () => {
    const { post } = createFakeApp();
    const response = await post(INFER, {
      id: 'my-id',
      inputs: [
        texts('text', 'ab', 'abc d', 'abcd'),
        texts('text_pair', '', 'xy', ''),
        matrix('mix', [
          [1, 0, 0],
          [0, 0.5, 0.25],
          [0, 0, 0],
        ]),
        texts('head', '', 'mnli', 'stsb'),
      ],
    });
    expect(response.headers.get('server-timing')).toMatch(/^queue;dur=\d+\.\d\d, compute;dur=\d+\.\d\d$/);
    const body: unknown = await response.clone().json();
    expect(body).toMatchObject({ model_name: 'glue', model_version: '0123456789abcdef', id: 'my-id' });
    expect(await outputsOf(response)).toEqual({
      // 1000·(letters) + 100·(mix as digits) + class; columns that a head has not are 0.
      logits: [2100, 2101, 0, 6177, 6178, 6179, 4005, 0, 0],
      classes: [2, 3, 1],
      label: ['acceptable', 'contradiction', ''],
      head: ['cola', 'mnli', 'stsb'],
      tokens: [1, 3, 1],
      truncated: [false, false, false],
    });
  });

  test('the heaviest expert gives the head, the first of equals', async () => {
    const { post } = createFakeApp();
    const answer = await outputsOf(
      await post(INFER, {
        inputs: [
          texts('text', 'a', 'b'),
          matrix('mix', [
            [0.25, 0.5, 0.25],
            [0.5, 0.5, 0],
          ]),
        ],
      }),
    );
    expect(answer['head']).toEqual(['mnli', 'cola']);
  });

  test.each([
    ['of the tensor', { inputs: [texts('text', 'a'), matrix('mix', [[0.25, 0.5]], { experts: 'stsb,cola' })] }],
    ['of the request', { parameters: { experts: 'stsb,cola' }, inputs: [texts('text', 'a'), matrix('mix', [[0.25, 0.5]])] }],
  ])('columns of a mix are named by the parameter %s', async (_, request) => {
    const { post } = createFakeApp();
    const answer = await outputsOf(await post(INFER, request));
    expect(answer).toMatchObject({ head: ['cola'], logits: [1125, 1126, 0] }); // 0.5·1 + 0.25·3
  });

  test('a text that is too long for the model is cut and said to be', async () => {
    const { post } = createFakeApp();
    const answer = await outputsOf(await post(INFER, { inputs: [texts('text', 'a b c d e f g h i j'), texts('head', 'cola')] }));
    expect(answer).toMatchObject({ tokens: [8], truncated: [true] });
  });

  test('gives the outputs that were asked for, in that order', async () => {
    const { post } = createFakeApp();
    const response = await post(INFER, {
      inputs: [texts('text', 'a'), texts('head', 'cola')],
      outputs: [{ name: 'tokens' }, { name: 'label' }],
    });
    expect(Object.keys(await outputsOf(response))).toEqual(['tokens', 'label']);
  });
});

describe('inference on tokens', () => {
  const tensor = (name: string, data: unknown, datatype = 'INT64', shape = [2, 3]) => ({ name, datatype, shape, data });
  const ids = tensor('input_ids', [5, 6, 7, 8, 9, 99]);
  const mask = tensor(
    'attention_mask',
    [
      [1, 1, 1],
      [1, 1, 0],
    ],
    'INT32',
  );
  const types = tensor('token_type_ids', [0, 0, 1, 0, 0, 0]);

  test('cuts each row to its mask', async () => {
    const { post } = createFakeApp();
    const answer = await outputsOf(
      await post('/v2/models/glue.tokens/infer', { inputs: [ids, mask, types, texts('head', 'cola', 'cola')] }),
    );
    expect(answer).toMatchObject({ tokens: [3, 2], logits: [18_000, 18_001, 0, 17_000, 17_001, 0] });
  });

  test.each([
    [
      'an id beyond the vocabulary',
      { input_ids: tensor('input_ids', [5, 6, 100, 8, 9, 0]) },
      /inputs.input_ids: expected values from 0 to 99, got 100/,
    ],
    ['a negative id', { input_ids: tensor('input_ids', [5, 6, -1, 8, 9, 0]) }, /got -1/],
    ['a fraction', { input_ids: tensor('input_ids', [5, 6, 1.5, 8, 9, 0]) }, /expected INT64 values, got 1.5 at 2/],
    ['a gap in the mask', { attention_mask: tensor('attention_mask', [1, 0, 1, 1, 1, 1]) }, /ones followed by zeros in row 0/],
    [
      'a mask of other numbers',
      { attention_mask: tensor('attention_mask', [2, 2, 2, 1, 1, 0]) },
      /inputs.attention_mask: expected values from 0 to 1, got 2/,
    ],
    ['an empty row', { attention_mask: tensor('attention_mask', [1, 1, 1, 0, 0, 0]) }, /ones followed by zeros in row 1/],
    ['an unknown segment', { token_type_ids: tensor('token_type_ids', [2, 0, 0, 0, 0, 0]) }, /from 0 to 1, got 2/],
    ['tensors of unlike lengths', { token_type_ids: tensor('token_type_ids', [0, 0, 0, 0], 'INT64', [2, 2]) }, /same T/],
    [
      'more tokens than the model reads',
      {
        input_ids: tensor(
          'input_ids',
          Array.from({ length: 18 }, () => 1),
          'INT64',
          [2, 9],
        ),
      },
      /same T of 1 to 8/,
    ],
    ['another datatype', { input_ids: tensor('input_ids', [5, 6, 7, 8, 9, 9], 'FP32') }, /expected INT64, got FP32/],
    [
      'ragged rows',
      {
        input_ids: tensor('input_ids', [
          [5, 6, 7],
          [8, 9],
        ]),
      },
      /nested as \[2, 3\]/,
    ],
    ['too few values', { input_ids: tensor('input_ids', [5, 6]) }, /6 values.*got 2/],
  ])('refuses %s', async (_, replaced, message) => {
    const { post } = createFakeApp();
    const given = { input_ids: ids, attention_mask: mask, token_type_ids: types, ...replaced };
    const response = await post('/v2/models/glue.tokens/infer', { inputs: [...Object.values(given), texts('head', 'cola', 'cola')] });
    expect([response.status, await response.json()]).toEqual([400, { error: expect.stringMatching(message) }]);
  });
});

describe('what is refused', () => {
  const text = texts('text', 'a', 'b');
  const mix = (rows: readonly (readonly number[])[], parameters?: Record<string, unknown>) => ({
    inputs: [texts('text', ...rows.map(() => 'a')), matrix('mix', rows, parameters)],
  });

  test.each<[string, object | string, number, RegExp]>([
    ['JSON that does not parse', '{"inputs": [', 400, /^body: expected JSON/],
    ['JSON that is nested too deep', `{"inputs": ${'['.repeat(100_000)}`, 400, /nested at most 16 deep/],
    ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 400, /UTF-8/],
    ['no inputs', { inputs: [] }, 400, /inputs/],
    ['an unknown field', { inputs: [text], output: [] }, 400, /output/],
    ['an unknown input', { inputs: [text, texts('texts', 'a', 'b')] }, 400, /some of text, text_pair, mix, head, got "texts"/],
    ['an input that comes twice', { inputs: [text, text] }, 400, /inputs.text: .*twice/],
    ['no text', { inputs: [texts('head', 'cola')] }, 400, /expected "text", got none/],
    ['an empty text', { inputs: [texts('text', 'a', ' \n'), texts('head', 'cola', 'cola')] }, 400, /not empty in row 1/],
    [
      'a text beyond the limit',
      { inputs: [texts('text', 'a'.repeat(100_001)), texts('head', 'cola')] },
      400,
      /at most 100000 characters, got 100001/,
    ],
    ['numbers for text', { inputs: [{ ...text, data: ['a', 1] }, texts('head', 'cola', 'cola')] }, 400, /expected strings, got 1 at 1/],
    [
      'neither data nor bytes',
      { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1] }] },
      400,
      /either data or parameters.binary_data_size/,
    ],
    ['more rows than the limit', { inputs: [texts('text', ...many(257, 'a'))] }, 400, /1 to 256 rows, got 257/],
    ['no rows', { inputs: [texts('text')] }, 400, /1 to 256 rows, got 0/],
    ['unlike numbers of rows', { inputs: [text, texts('head', 'cola')] }, 400, /inputs.head: expected \[2\], got \[1\]/],
    ['a huge shape without data', { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1e15], data: [] }] }, 400, /1 to 256 rows/],
    ['an empty mix without a head', { inputs: [text] }, 400, /inputs.head: expected an expert's name for row 0, whose mix is empty/],
    ['an unknown head', { inputs: [text, texts('head', 'cola', 'rte')] }, 404, /here, got "rte"/],
    ['an expert that is not resident', mix([[1]], { experts: 'rte' }), 404, /here, got "rte"/],
    ['a repeated expert', mix([[0.5, 0.5]], { experts: 'cola,cola' }), 400, /each expert once/],
    ['a list of experts that is none', mix([[1]], { experts: 'cola,,' }), 400, /parameters.experts/],
    ['columns that the names do not fit', mix([[0.5, 0.5]], { experts: 'cola' }), 400, /expected \[1, 1\], got \[1, 2\]/],
    [
      'a negative weight',
      mix([
        [1, 0, 0],
        [0, -0.1, 0],
      ]),
      400,
      /at least 0, got -0.1 for mnli in row 1/,
    ],
    ['weights above 1', mix([[0.6, 0.5, 0]]), 400, /sum is at most 1, got 1.1 in row 0/],
    [
      'a weight that is no number',
      {
        inputs: [
          text,
          {
            ...matrix('mix', [
              [1, 0, 0],
              [1, 0, 0],
            ]),
            data: [1, 0, 0, null, 0, 0],
          },
        ],
      },
      400,
      /FP32 values, got null at 3/,
    ],
    [
      'an unknown output',
      { inputs: [text, texts('head', 'cola', 'cola')], outputs: [{ name: 'probabilities' }] },
      400,
      /outputs: expected some of logits.*got "probabilities"/,
    ],
    ['routing without a router', { parameters: { route: true }, inputs: [text] }, 501, /no origin router/],
    ['a route parameter that is no boolean', { parameters: { route: 'yes' }, inputs: [text] }, 400, /route/],
  ])('%s', async (_, body, status, message) => {
    const { post } = createFakeApp();
    const response = await post(INFER, body);
    expect([response.status, await response.json()]).toEqual([status, { error: expect.stringMatching(message) }]);
    expect(response.headers.get('x-error-code')).toBe({ 400: 'invalid_request', 404: 'not_found', 501: 'unsupported' }[status]);
    expect(response.headers.get('x-request-id')).toBe('made-id');
  });

  test('a body beyond the limit, before all of it has come', async () => {
    const { app, post } = createFakeApp();
    const chunk = new Uint8Array(1 << 20);
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(chunk);
      },
    });
    const streamed = await app.request(INFER, { method: 'POST', body: endless, duplex: 'half' } as RequestInit);
    expect(streamed.status).toBe(413);
    expect(pulled).toBeLessThan(16);
    expect((await post(INFER, 'x', { 'content-length': String(1 << 24) })).status).toBe(413);
  });

  test('other media types, and encodings that are none', async () => {
    const { post } = createFakeApp();
    expect((await post(INFER, '{}', { 'content-type': 'text/html' })).status).toBe(400);
    expect((await post(INFER, '{}', { 'content-encoding': 'gzip' })).status).toBe(400);
    expect((await post(INFER, '{}', { 'content-encoding': 'br' })).status).toBe(400);
    const bomb = gzipSync(new Uint8Array(OIP_LIMITS.bodyBytes + 1));
    expect((await post(INFER, bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
  });

  test('unknown models, versions and paths, and other methods', async () => {
    const { app } = createFakeApp();
    const missing = await app.request('/v2/models/nope');
    expect([missing.status, await missing.json()]).toEqual([404, { error: 'model: expected one of glue, glue.tokens, got "nope"' }]);
    expect((await app.request('/v2/models/glue/versions/1')).status).toBe(404);
    const other = await app.request(INFER);
    expect([other.status, other.headers.get('allow'), other.headers.get('x-error-code')]).toEqual([405, 'POST', 'method_not_allowed']);
    // Outside of the protocol the project's own error shape.
    const elsewhere = await app.request('/metrics', { headers: { 'x-request-id': 'abc-1' } });
    expect([elsewhere.status, await elsewhere.json()]).toEqual([
      404,
      { error: { code: 'not_found', message: '/metrics: no such path', request_id: 'abc-1' } },
    ]);
  });
});

describe('compressed bodies', () => {
  const request = { inputs: [texts('text', ...many(64, 'a')), texts('head', ...many(64, 'cola'))] };

  test.each([
    ['gzip', gzipSync, gunzipSync],
    ['deflate', deflateSync, inflateSync],
  ])('%s, in both directions', async (encoding, encode, decode) => {
    const { post } = createFakeApp();
    const body = encode(JSON.stringify(request));
    const response = await post(INFER, body, { 'content-encoding': encoding, 'accept-encoding': encoding });
    expect(response.headers.get('content-encoding')).toBe(encoding);
    const plain = new TextDecoder().decode(decode(await response.arrayBuffer()));
    expect(JSON.parse(plain)).toEqual(await (await post(INFER, request)).json());
  });

  test('an answer that is short leaves as it is', async () => {
    const { post } = createFakeApp();
    const response = await post(INFER, { inputs: [texts('text', 'a'), texts('head', 'cola')] }, { 'accept-encoding': 'gzip' });
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(response.headers.get('vary')).toBe('accept-encoding');
    expect(await outputsOf(response)).toMatchObject({ head: ['cola'] });
  });
});

describe('ids, deadlines and failures', () => {
  const request = { inputs: [texts('text', 'a'), texts('head', 'cola')] };

  test('a well-formed request id is echoed, another one replaced', async () => {
    const { post } = createFakeApp();
    expect((await post(INFER, request, { 'x-request-id': 'req_1:a.b-c' })).headers.get('x-request-id')).toBe('req_1:a.b-c');
    expect((await post(INFER, request, { 'x-request-id': 'a b' })).headers.get('x-request-id')).toBe('made-id');
    expect((await post(INFER, request, { 'x-request-id': 'a'.repeat(129) })).headers.get('x-request-id')).toBe('made-id');
  });

  test.each([
    ['0', 504],
    ['1', 504],
    ['60000', 200],
    ['-5', 400],
    ['soon', 400],
  ])('a budget of %s ms gives %i', async (budget, status) => {
    const slow = createFakePredictor();
    const { post } = createFakeApp([
      createFakePredictor({ run: (rows) => new Promise((resolve) => setTimeout(() => resolve(slow.run(rows)), 30)) }),
    ]);
    expect((await post(INFER, request, { 'x-request-deadline-ms': budget })).status).toBe(status);
  });

  test.each([
    [1000, 504],
    [0, 200],
    [10_000_000, 200],
    [-1, 400],
    [1.5, 400],
    ['1000', 400],
  ])('Triton’s timeout of %s µs → %i', async (timeout, status) => {
    const slow = createFakePredictor();
    const { post } = createFakeApp([
      createFakePredictor({ run: (rows) => new Promise((resolve) => setTimeout(() => resolve(slow.run(rows)), 30)) }),
    ]);
    expect((await post(INFER, { ...request, parameters: { timeout } })).status).toBe(status);
  });

  test('reading many long texts leaves others their turn, and ends at the deadline', async () => {
    const real = createFakePredictor();
    let encoded = 0;
    const encode = (text: string, pair?: string) => {
      encoded += 1;
      const until = performance.now() + 2;
      while (performance.now() < until);
      return real.encode(text, pair);
    };
    const { app, post } = createFakeApp([createFakePredictor({ encode })]);
    const full = { inputs: [texts('text', ...many(256, 'a')), texts('head', ...many(256, 'cola'))] };
    const slow = post(INFER, full, { 'x-request-deadline-ms': '40' });
    await vi.waitFor(() => expect(encoded).toBeGreaterThan(0), { interval: 1 });
    expect((await app.request('/v2/health/live')).status).toBe(200);
    expect(encoded).toBeLessThan(256);
    expect((await slow).status).toBe(504);
    expect(encoded).toBeLessThan(256);
  });

  test('a defect is logged under the request id and not told', async () => {
    const { logged, post } = createFakeApp([createFakePredictor({ run: () => Promise.reject(new Error('secret path')) })]);
    const response = await post(INFER, request, { 'x-request-id': 'abc' });
    expect([response.status, response.headers.get('x-error-code')]).toEqual([500, 'internal']);
    expect(await response.text()).not.toContain('secret');
    expect(logged.map((line): unknown => JSON.parse(line))).toMatchObject([
      { request_id: 'abc', error: 'internal', cause: { error: 'Error' } },
    ]);
    expect(logged[0]).not.toContain('secret');
  });

  test('a full queue gives 429 with a hint', async () => {
    const release: (() => void)[] = [];
    const real = createFakePredictor();
    const { post } = createFakeApp([
      createFakePredictor({ run: (rows) => new Promise((resolve) => release.push(() => resolve(real.run(rows)))) }),
    ]);
    const full = { inputs: [texts('text', ...many(256, 'a')), texts('head', ...many(256, 'cola'))] };
    const first = post(INFER, full); // 32 of them run, 224 wait
    await vi.waitFor(() => expect(release).toHaveLength(1));
    const refused = await post(INFER, full);
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('x-error-code')]).toEqual([429, '1', 'overloaded']);
    const timer = setInterval(() => release.splice(0).forEach((next) => next()), 1);
    expect((await first).status).toBe(200);
    clearInterval(timer);
  });

  test('a draining server finishes what runs and refuses the rest', async () => {
    let finish: (() => void) | undefined;
    const real = createFakePredictor();
    const { app, gate, post } = createFakeApp([
      createFakePredictor({ run: (rows) => new Promise((resolve) => (finish = () => resolve(real.run(rows)))) }),
    ]);
    const running = post(INFER, request);
    await vi.waitFor(() => expect(finish).toBeDefined());
    let drained = false;
    const draining = gate.drain().then(() => (drained = true));
    const refused = await post(INFER, request);
    expect([
      refused.status,
      refused.headers.get('retry-after'),
      refused.headers.get('connection'),
      refused.headers.get('x-error-code'),
    ]).toEqual([503, '1', 'close', 'unavailable']);
    expect([
      (await app.request('/v2/health/ready')).status,
      (await app.request('/v2/models/glue/ready')).status,
      (await app.request('/v2/health/live')).status,
    ]).toEqual([503, 503, 200]);
    expect(drained).toBe(false);
    finish?.();
    expect((await running).status).toBe(200);
    await draining;
  });
});

describe('routing at the origin', () => {
  // The first id of a row decides: 1 abstains, else the whole weight goes to the expert of that number less two.
  const route: NonNullable<ReturnType<typeof createFakePredictor>['route']> = (features, topK) =>
    Promise.resolve(
      features.map(([first]) => ({
        mix: Float32Array.from({ length: 3 }, (_, e) => (e === first - 2 ? 1 / (topK ?? 1) : 0)),
        scores: Float32Array.of(0.25, 0.5, 0.125),
      })),
    );

  test('two passes; an abstaining row keeps the first and the best-scored head', async () => {
    const batches: number[] = [];
    const real = createFakePredictor();
    const run = (rows: Parameters<typeof real.run>[0]) => {
      batches.push(rows.length);
      return real.run(rows);
    };
    const { app, post } = createFakeApp([createFakePredictor({ route, run })]);
    expect(await (await app.request('/v2/models/glue')).json()).toMatchObject({ parameters: { route: true } });
    const answer = await outputsOf(
      await post(INFER, { parameters: { route: true }, inputs: [texts('text', 'ab', 'a', 'abcd'), texts('head', '', '', 'cola')] }),
    );
    expect(answer).toMatchObject({
      head: ['cola', 'mnli', 'cola'],
      mix: [1, 0, 0, 0, 0, 0, 0, 0, 1],
      router_scores: [0.25, 0.5, 0.125, 0.25, 0.5, 0.125, 0.25, 0.5, 0.125],
      logits: [2100, 2101, 0, 1002, 1003, 1004, 4300, 4301, 0],
    });
    expect(batches).toEqual([3, 2]);
  });

  test('top_k reaches the policy; a mix beside routing is refused', async () => {
    const { post } = createFakeApp([createFakePredictor({ route })]);
    expect(await outputsOf(await post(INFER, { parameters: { route: true, top_k: 4 }, inputs: [texts('text', 'ab')] }))).toMatchObject({
      mix: [0.25, 0, 0],
    });
    expect((await post(INFER, { parameters: { route: true, top_k: 0 }, inputs: [texts('text', 'ab')] })).status).toBe(400);
    expect((await post(INFER, { parameters: { route: true }, inputs: [texts('text', 'ab'), matrix('mix', [[1, 0, 0]])] })).status).toBe(
      400,
    );
  });
});
