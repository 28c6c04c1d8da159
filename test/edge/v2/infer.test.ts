// Inference by the protocol: every row is answered as /v1/predict answers it.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { HTTP_LIMITS, Prediction } from '../../../src/contract/http.ts';
import { argmax, softmax } from '../../../src/core/routing/score.ts';
import { answer, BUNDLE, CONFIG, createHarness, hang, input, LEFT, RIGHT, type OriginCall } from '../helpers/harness.ts';
import { bytesOf, client, decode, encode, INFER, mixes, texts, type Sent } from './harness.ts';

const EXPERTS = BUNDLE.experts.map(({ name }) => name);
const many = (count: number, text = 'a'): string[] => Array.from({ length: count }, () => text);

/** Logits that tell which text was asked. */
const byText = (call: OriginCall): Response =>
  answer(call, { logits: { datatype: 'FP32', shape: [1, 3], data: [String(input(call, 'text')?.data[0]).length, -1, 0.5] } });

describe('one row', () => {
  test('is routed, answered and told', async () => {
    const harness = createHarness();
    const { infer } = client(harness);
    const { outputs, ...rest } = await infer({ id: 'mine', inputs: [texts('text', 'A film.')] }, { 'x-request-id': 'caller-1' });
    expect(rest).toEqual({ model_name: 'sample', model_version: CONFIG, id: 'mine', parameters: { request_id: 'caller-1' } });
    expect(outputs).toEqual({
      logits: { shape: [1, 3], values: [0, 1, 2] },
      classes: { shape: [1], values: [3] },
      label: { shape: [1], values: ['positive'] },
      head: { shape: [1], values: ['sst2'] },
      tokens: { shape: [1], values: [7] },
      truncated: { shape: [1], values: [false] },
      mix: { shape: [1, 3], values: [0.2, 0.8, 0].map(Math.fround) },
      router_scores: { shape: [1, 3], values: [0.2, 0.7, 0.1].map(Math.fround) },
      abstained: { shape: [1], values: [false] },
      covered: { shape: [1], values: [1] },
    });
    // The same as /v1/predict asks.
    await harness.post('/v1/predict', { text: 'A film.' }, { 'x-request-id': 'caller-1' });
    expect(harness.calls[0].body).toEqual(harness.calls[1].body);
  });

  test('a head alone is a task; a mix without weights is the shared model', async () => {
    const harness = createHarness();
    const { infer } = client(harness);
    const task = await infer({ inputs: [texts('text', 'a'), texts('text_pair', 'b'), texts('head', 'stsb')] });
    expect(task.outputs).toMatchObject({
      head: { values: ['stsb'] },
      label: { values: [''] },
      classes: { values: [1] },
      mix: { values: [0, 0, 1] },
    });
    // Narrower heads leave the last columns zero.
    expect(task.outputs['logits'].values).toEqual([0, 0, 0]);
    expect(input(harness.calls[0], 'text_pair')?.data).toEqual(['b']);
    const shared = await infer({ inputs: [texts('text', 'a'), mixes([[0, 0, 0]]), texts('head', 'cola')] });
    expect(shared.outputs).toMatchObject({ head: { values: ['cola'] }, mix: { values: [0, 0, 0] } });
    expect(input(harness.calls[1], 'mix')).toBeUndefined();
  });

  test('an abstention, an origin’s routing and a cut are told', async () => {
    const abstained = await client(createHarness({ mix: [] })).infer({ inputs: [texts('text', 'a')] });
    expect(abstained.outputs).toMatchObject({ abstained: { values: [true] }, mix: { values: [0, 0, 0] }, head: { values: ['sst2'] } });
    const routed = await client(createHarness({ routing: 'origin' })).infer({ inputs: [texts('text', 'a')], parameters: { top_k: 2 } });
    expect(routed.outputs).toMatchObject({
      mix: { values: [0.25, 0.75, 0] },
      router_scores: { values: [0.25, 0.7, 0.05].map(Math.fround) },
    });
    const mix = [
      { expert: 'stsb', weight: 0.5 },
      { expert: 'sst2', weight: 0.5 },
    ];
    const cut = await client(createHarness({ endpoints: [LEFT, RIGHT], mix })).infer({ inputs: [texts('text', 'a')] });
    expect(cut.outputs['covered'].values).toEqual([0.5]);
  });

  test('parameters: whose columns, how many experts, how long', async () => {
    const harness = createHarness({ routing: 'origin' });
    const { infer, refused } = client(harness);
    const { outputs } = await infer({ inputs: [texts('text', 'a'), mixes([[0.5, 0.25]], 'stsb,cola')] });
    expect(outputs['mix'].values).toEqual([0.25, 0, 0.5]);
    await infer({ inputs: [texts('text', 'a')], parameters: { top_k: 5, route: true, priority: 3, sequence_id: 7 } });
    expect(harness.calls[1].body.parameters).toEqual({ route: true, top_k: 5 });
    await infer({ inputs: [texts('text', 'a')], parameters: { timeout: 500_000 } });
    expect(Number(harness.calls[2].headers.get('x-request-deadline-ms'))).toBeLessThanOrEqual(500);
    for (const parameters of [{ top_k: 0 }, { top_k: 'two' }, { timeout: -1 }, { route: 'yes' }, { user: '' }])
      expect(await refused({ inputs: [texts('text', 'a')], parameters })).toMatchObject({ status: 400, code: 'invalid_request' });
    for (const tensor of [mixes([[1, 0, 0]]), texts('head', 'cola')])
      expect(await refused({ inputs: [texts('text', 'a'), tensor], parameters: { route: true } })).toMatchObject({ status: 400 });
  });

  test('Triton’s timeout ends the wait', async () => {
    const harness = createHarness({ origin: (_call, _attempt, signal) => hang(signal) });
    const { refused } = client(harness);
    expect(await refused({ inputs: [texts('text', 'a')], parameters: { timeout: 30_000 } })).toMatchObject({
      status: 504,
      code: 'timeout',
    });
  });
});

/** A row with a text and perhaps a second one, a mix, a head. */
const row = fc.record({
  text: fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `${text}.`),
  pair: fc.constantFrom('', 'second'),
  head: fc.constantFrom(...EXPERTS),
  weights: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(2)).map((weights) => weights.map((weight) => weight / 8)),
});

test('any batch is answered as each of its rows alone, in JSON and in bytes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 9 }),
      fc.subarray(['text', 'text_pair', 'mix', 'head']),
      fc.subarray(['text', 'text_pair', 'mix', 'head']),
      fc.boolean(),
      async (rows, given, binary, binaryOut) => {
        const harness = createHarness({ origin: byText });
        const { send } = client(harness);
        const tensors: readonly Sent[] = [
          texts('text', ...rows.map(({ text }) => text)),
          texts('text_pair', ...rows.map(({ pair }) => pair)),
          mixes(rows.map(({ weights }) => weights)),
          texts('head', ...rows.map(({ head }) => head)),
        ];
        // Without a mix of its own, a row has none of weight 0 either.
        const has = (name: string): boolean => name === 'text' || given.includes(name) || (name === 'head' && given.includes('mix'));
        const request = { inputs: tensors.filter(({ name }) => has(name)), parameters: { binary_data_output: binaryOut } };
        const { body, headers } = encode(request, (name) => binary.includes(name));
        const { outputs } = await decode(await send(body, headers));
        const at = (name: string, i: number, width = 1): readonly unknown[] => outputs[name].values.slice(i * width, (i + 1) * width);
        for (const [i, { text, pair, head, weights }] of rows.entries()) {
          const { status, body: plain } = await harness.post('/v1/predict', {
            text,
            ...(has('text_pair') && pair !== '' && { text_pair: pair }),
            ...(has('head') && { task: head }),
            ...(has('mix') && { mix: Object.fromEntries(EXPERTS.map((name, e) => [name, weights[e]])) }),
            explain: true,
          });
          expect({ status, plain }).toMatchObject({ status: 200 });
          const { task, label, scores, mix, usage } = z.parse(Prediction, plain);
          expect(at('head', i)).toEqual([task]);
          expect(at('label', i)).toEqual([label ?? '']);
          expect(at('tokens', i)).toEqual([usage.tokens]);
          const dense = EXPERTS.map((name) => Math.fround(mix.find(({ expert }) => expert === name)?.weight ?? 0));
          expect(at('mix', i, 3)).toEqual(dense);
          const logits = at('logits', i, 3).slice(0, Object.keys(scores).length).map(Number);
          expect(logits[0]).toBe(text.length);
          if (label === null) continue;
          const soft = softmax(logits);
          expect(Object.keys(scores)[argmax(logits)]).toBe(label);
          for (const [c, score] of Object.values(scores).entries()) expect(soft[c]).toBeCloseTo(score, 6);
        }
      },
    ),
    { seed: 11, numRuns: 40 },
  );
});

describe('batches', () => {
  test('of up to 64 rows, six under way at once, each under an id of its own', async () => {
    let running = 0;
    let most = 0;
    const harness = createHarness({
      origin: async (call) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running -= 1;
        return byText(call);
      },
    });
    const { infer, refused } = client(harness);
    const rows = Array.from({ length: HTTP_LIMITS.batch }, (_, i) => 'x'.repeat(i + 1));
    const { outputs } = await infer({ inputs: [texts('text', ...rows)] }, { 'x-request-id': 'r' });
    expect(outputs['logits'].shape).toEqual([64, 3]);
    expect(outputs['logits'].values.filter((_, i) => i % 3 === 0)).toEqual(rows.map(({ length }) => length));
    expect(most).toBe(6);
    expect(new Set(harness.calls.map(({ body }) => body.id))).toEqual(new Set(rows.map((_, i) => `r.${i}`)));
    expect(await refused({ inputs: [texts('text', ...rows, 'a')] })).toMatchObject({
      status: 400,
      error: 'inputs: expected 1 to 64 rows, got 65',
    });
  });

  test('a row that fails fails the request, names itself, and ends the others', async () => {
    let aborted = 0;
    const harness = createHarness({
      origin: (call, _attempt, signal) => {
        if (call.body.id === 'r.2') return Response.json({ error: 'no' }, { status: 400, headers: { 'x-error-code': 'invalid_request' } });
        signal.addEventListener('abort', () => void (aborted += 1));
        return hang(signal);
      },
    });
    const { refused } = client(harness);
    const failed = await refused({ inputs: [texts('text', ...many(20))] }, { 'x-request-id': 'r' });
    expect(failed).toMatchObject({ status: 400, code: 'invalid_request', error: expect.stringContaining('row 2: origin all') });
    expect(harness.calls.length).toBeLessThanOrEqual(6);
    expect(aborted).toBe(harness.calls.length - 1);
  });
});

describe('outputs', () => {
  const request = { inputs: [texts('text', 'a', 'b')] };

  test('as many as are wanted, in their order, each in its form', async () => {
    const { send } = client(createHarness());
    const outputs = [{ name: 'label' }, { name: 'logits', parameters: { binary_data: true } }];
    const response = await send(JSON.stringify({ ...request, outputs }));
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    const length = Number(response.headers.get('inference-header-content-length'));
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(0, length)))).toMatchObject({
      outputs: [
        { name: 'label', data: ['positive', 'positive'] },
        { name: 'logits', parameters: { binary_data_size: 24 } },
      ],
    });
    expect(bytes.length).toBe(length + 24);
  });

  test('another one is refused before any work', async () => {
    const harness = createHarness();
    expect(await client(harness).refused({ ...request, outputs: [{ name: 'secrets' }] })).toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
    expect(harness.calls).toEqual([]);
  });

  test.each(['gzip', 'deflate'] as const)('and the request compressed by %s', async (encoding) => {
    const { send, infer } = client(createHarness());
    const body = JSON.stringify({ inputs: [texts('text', ...many(64, 'a film'))] });
    const compressed = await new Response(new Response(body).body?.pipeThrough(new CompressionStream(encoding))).arrayBuffer();
    const response = await send(compressed, { 'content-encoding': encoding, 'accept-encoding': encoding });
    expect(response.headers.get('content-encoding')).toBe(encoding);
    expect(response.headers.get('x-request-id')).toMatch(/^id-/);
    expect(response.headers.get('server-timing')).toContain('total');
    const plain = new Response(response.body?.pipeThrough(new DecompressionStream(encoding)), { headers: response.headers });
    const { outputs } = await decode(plain);
    expect(outputs).toEqual((await infer(JSON.parse(body))).outputs);
  });
});

describe('what is no request', () => {
  const text = texts('text', 'a');
  const json = (request: object): Uint8Array => new TextEncoder().encode(JSON.stringify(request));
  const good = encode({ inputs: [text] }, () => true);
  const LENGTH = 'inference-header-content-length';

  test.each<[string, object | string | Uint8Array, Record<string, string>, number, RegExp]>([
    ['no JSON', '{', {}, 400, /expected JSON/],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), {}, 400, /UTF-8/],
    ['deep JSON', `${'['.repeat(100)}${']'.repeat(100)}`, {}, 400, /at most 16 deep/],
    ['no inputs', { inputs: [] }, {}, 400, /inputs/],
    ['an input that nobody knows', { inputs: [text, texts('colour', 'red')] }, {}, 400, /got "colour"/],
    ['an input twice', { inputs: [text, text] }, {}, 400, /once/],
    ['no text', { inputs: [texts('head', 'cola')] }, {}, 400, /expected "text"/],
    ['another datatype', { inputs: [{ ...text, datatype: 'INT32' }] }, {}, 400, /expected BYTES, got INT32/],
    ['another rank', { inputs: [{ ...text, shape: [1, 1] }] }, {}, 400, /expected \[1\], got \[1, 1\]/],
    ['columns that disagree', { inputs: [texts('text', 'a', 'b'), texts('head', 'cola')] }, {}, 400, /expected \[2\], got \[1\]/],
    ['a mix of another width', { inputs: [text, mixes([[1, 0]])] }, {}, 400, /inputs.mix/],
    ['a mix above 1', { inputs: [text, mixes([[0.7, 0.7, 0]])] }, {}, 400, /sum is at most 1/],
    ['a negative weight', { inputs: [text, mixes([[-0.1, 0, 0]])] }, {}, 400, /at least 0/],
    ['a mix of strangers', { inputs: [text, mixes([[1]], 'rte')] }, {}, 404, /got "rte"/],
    ['the head of a stranger', { inputs: [text, texts('head', 'rte')] }, {}, 404, /got "rte"/],
    ['an empty mix without a head', { inputs: [text, mixes([[0, 0, 0]])] }, {}, 400, /expected a task beside a mix without weights/],
    ['a blank text', { inputs: [texts('text', 'a', ' ')] }, {}, 400, /row 1: text/],
    ['a text too long', { inputs: [texts('text', 'x'.repeat(HTTP_LIMITS.textChars + 1))] }, {}, 400, /row 0: text/],
    [
      'shared memory',
      { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], parameters: { shared_memory_region: 'r' } }] },
      {},
      400,
      /either data or/,
    ],
    ['a media type of its own', { inputs: [text] }, { 'content-type': 'text/html' }, 400, /content-type/],
    ['an encoding of its own', { inputs: [text] }, { 'content-encoding': 'br' }, 400, /content-encoding/],
    ['an encoding that it has not', { inputs: [text] }, { 'content-encoding': 'gzip' }, 400, /content-encoding/],
    ['a body too large', new Uint8Array(HTTP_LIMITS.bodyBytes + 1), {}, 413, /at most/],
    ['a deadline that is none', { inputs: [text] }, { 'x-request-timeout-ms': 'soon' }, 400, /x-request-timeout-ms/],
    ...['0', '-1', '1.5', 'ten', '1e3', '99999999999999999999', String(good.body.length + 1)].map(
      (length): [string, Uint8Array, Record<string, string>, number, RegExp] => [
        `a JSON length of ${length}`,
        good.body,
        { [LENGTH]: length },
        400,
        /length/,
      ],
    ),
    ['a JSON length that cuts the JSON', good.body, { [LENGTH]: '12' }, 400, /expected JSON/],
    ['a JSON length that takes in bytes', good.body, { [LENGTH]: String(good.body.length) }, 400, /expected JSON/],
    ['bytes that nobody claims', json({ inputs: [text] }), { [LENGTH]: '20' }, 400, /expected JSON/],
  ])('%s', async (_, body, headers, status, message) => {
    const harness = createHarness();
    const failed = await client(harness).refused(body, headers);
    expect(failed).toMatchObject({ status, error: expect.stringMatching(message) });
    expect(harness.calls).toEqual([]);
    expect(harness.logged).toEqual([]);
  });

  test('a small body that holds a large one', async () => {
    const zeros = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < 64; i++) controller.enqueue(new Uint8Array(1 << 20));
        controller.close();
      },
    });
    const bomb = new Uint8Array(await new Response(zeros.pipeThrough(new CompressionStream('gzip'))).arrayBuffer());
    expect(bomb.length).toBeLessThan(HTTP_LIMITS.bodyBytes);
    expect(await client(createHarness()).refused(bomb, { 'content-encoding': 'gzip' })).toMatchObject({ status: 413, code: 'too_large' });
  });

  test('any bytes, cut anywhere, are an answer or the caller’s mistake', async () => {
    const harness = createHarness();
    const { send } = client(harness);
    const whole = encode(
      {
        inputs: [
          texts('text', 'aé', 'b'),
          mixes([
            [1, 0, 0],
            [0, 1, 0],
          ]),
        ],
      },
      () => true,
    );
    const length = Number(whole.headers['inference-header-content-length']);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: whole.body.length }),
        fc.integer({ min: -2, max: whole.body.length + 2 }),
        fc.array(fc.tuple(fc.nat(whole.body.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.boolean(),
        async (end, header, flips, honest) => {
          const body = Uint8Array.from(whole.body.subarray(0, honest ? undefined : end));
          for (const [at, value] of flips) if (at < body.length) body[at] = value;
          const { status } = await send(body, { 'inference-header-content-length': String(honest ? length : header) });
          expect([200, 400, 404]).toContain(status);
        },
      ),
      { seed: 5, numRuns: 300 },
    );
    expect(harness.logged).toEqual([]);
  });

  test('sizes that lie', async () => {
    const { refused } = client(createHarness());
    const lie = async (size: unknown): Promise<{ status: number; error: string }> => {
      const request = json({ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: size } }] });
      const body = new Uint8Array([...request, ...bytesOf(text)]);
      return refused(body, { [LENGTH]: String(request.length) });
    };
    for (const size of [4, 6, -1, 0, 1.5, '5', true, 2 ** 53]) expect(await lie(size)).toMatchObject({ status: 400 });
  });
});

test('an isolate with enough to do refuses before it reads', async () => {
  const harness = createHarness({ upstream: { in_flight: 1 }, origin: (_call, _attempt, signal) => hang(signal) });
  const { send, refused } = client(harness);
  const first = send(JSON.stringify({ inputs: [texts('text', 'a')] }), { 'x-request-timeout-ms': '200' });
  const second = await refused({ inputs: [texts('text', 'a')] });
  expect(second).toMatchObject({ status: 429, code: 'overloaded' });
  expect(second.headers.get('retry-after')).toBe('1');
  expect((await first).status).toBe(504);
});

test('a path of the protocol that nobody knows is refused in its words', async () => {
  const { refused } = client(createHarness());
  expect(await refused({}, {}, `${INFER}/more`)).toMatchObject({ status: 404, code: 'not_found' });
});
