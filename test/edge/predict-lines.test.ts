import { describe, expect, test, vi } from 'vitest';
import { PredictLine } from '../../src/contract/predict-lines.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { acceptsLines } from '../../src/edge/stream/accepts-lines.ts';
import { ANSWER_PRICE, createPaidHarness, type PaidOptions } from './accounts/harness.ts';
import { answer, createHarness, hang, type OriginCall } from './helpers/harness.ts';

const NDJSON = 'application/x-ndjson';

function texts(count: number): { inputs: { text: string }[] } {
  return { inputs: Array.from({ length: count }, (_, i) => ({ text: `text ${i}` })) };
}

function parse(text: string): PredictLine[] {
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => parseJsonWith(PredictLine, line, 'line', 'internal'));
}

/** `response.text()` warns in workerd when the type is not text. */
async function textOf(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer());
}

/** The place in its batch of what an origin was asked. */
function placeOf(call: OriginCall): number {
  return Number(call.body.id.split('.').at(-1));
}

type Ask = (body: object, headers?: Record<string, string>) => Promise<Response>;

/** A paying customer who asks for lines. */
async function createCustomer(options: PaidOptions = {}, credit = 10_000) {
  const harness = createPaidHarness(options);
  const customer = await harness.customer(credit);
  const ask: Ask = async (body, headers = {}) =>
    harness.app.request('/v1/predict', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json', accept: NDJSON, ...headers },
    });
  return { ...harness, ...customer, ask };
}

/** Reads a body line by line. */
function readerOf(response: Response) {
  const reader = (response.body ?? new ReadableStream()).getReader();
  const next = async (): Promise<PredictLine | undefined> => {
    const { value } = await reader.read();
    return value === undefined ? undefined : parse(new TextDecoder().decode(value))[0];
  };
  return { next, cancel: () => reader.cancel() };
}

describe('a batch as lines', () => {
  test('each answer leaves when it is ready, whatever its place; the last line sums up', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const {
      ask,
      balance,
      held: heldMicros,
    } = await createCustomer({
      async origin(call) {
        if (placeOf(call) === 0) await held;
        return placeOf(call) === 1 ? new Response(null, { status: 500 }) : answer(call);
      },
    });
    const response = await ask({ inputs: [{ text: 'slow' }, { text: 'bad' }, { text: '' }, { text: 'good' }] });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(NDJSON);
    const { next } = readerOf(response);
    const early = [await next(), await next(), await next()];
    expect(new Set(early.map((line) => (line !== undefined && 'index' in line ? line.index : -1)))).toEqual(new Set([1, 2, 3]));
    expect(early.find((line) => line !== undefined && 'index' in line && line.index === 2)).toMatchObject({
      error: { code: 'invalid_request' },
    });
    release();
    expect(await next()).toMatchObject({ index: 0, prediction: { task: 'sst2' } });
    expect(await next()).toEqual({
      summary: {
        id: 'id-3',
        answers: 2,
        failures: 2,
        cancelled: 0,
        usage: { tokens: 14, configs: ['0123456789abcdef'], experts: ['cola', 'sst2'] },
        charge: { micros: 2 * ANSWER_PRICE, currency: 'USD' },
      },
    });
    expect(await next()).toBeUndefined();
    expect([await balance(), await heldMicros()]).toEqual([10_000 - 2 * ANSWER_PRICE, 0]);
  });

  test('is free, and says nothing of a charge, where nothing is charged; one input is a batch of one', async () => {
    const { app } = createHarness();
    const response = await app.request('/v1/predict', {
      method: 'POST',
      body: JSON.stringify({ text: 'hello' }),
      headers: { 'content-type': 'application/json', accept: NDJSON },
    });
    const [line, last] = parse(await textOf(response));
    expect(line).toMatchObject({ index: 0, prediction: { task: 'sst2' } });
    expect(last).toMatchObject({ summary: { answers: 1 } });
    expect(last).not.toHaveProperty('summary.charge');
  });

  test('no more is asked than a reader takes', async () => {
    const { ask, calls } = await createCustomer();
    const response = await ask(texts(30));
    const { next, cancel } = readerOf(response);
    await next();
    await vi.waitFor(() => expect(calls.length).toBe(6));
    await next();
    await next();
    await vi.waitFor(() => expect(calls.length).toBe(8));
    await cancel();
    expect(calls.length).toBe(8);
  });

  test('what stands in its way at the start has a status of its own', async () => {
    const poor = await createCustomer({}, 20);
    const refused = await poor.ask(texts(3));
    expect([refused.status, refused.headers.get('content-type')]).toEqual([402, 'application/json']);
    expect(poor.calls).toHaveLength(0);
    expect((await poor.ask({ inputs: [] })).status).toBe(400);
    expect((await poor.ask({ text: '' })).status).toBe(400);
  });

  test('that nobody answered costs nothing', async () => {
    const { ask, balance, held } = await createCustomer({ origin: () => new Response(null, { status: 500 }) });
    const lines = parse(await textOf(await ask(texts(2))));
    expect(lines.at(-1)).toMatchObject({ summary: { answers: 0, failures: 2, charge: { micros: 0 } } });
    expect([await balance(), await held()]).toEqual([10_000, 0]);
  });
});

describe('a reader who hangs up', () => {
  test('pays for the lines that were handed over, once; what is under way is given up; no money stays held', async () => {
    const aborted: number[] = [];
    const { ask, balance, held, calls, background, logged } = await createCustomer({
      origin(call, _, signal) {
        if (placeOf(call) < 2) return answer(call);
        signal.addEventListener('abort', () => void aborted.push(placeOf(call)));
        return hang(signal);
      },
    });
    const { next, cancel } = readerOf(await ask(texts(20)));
    await next();
    await next();
    await vi.waitFor(() => expect(calls.length).toBe(7));
    await cancel();
    await Promise.all(background);
    expect([await balance(), await held()]).toEqual([10_000 - 2 * ANSWER_PRICE, 0]);
    expect(new Set(aborted)).toEqual(new Set([2, 3, 4, 5, 6]));
    expect(calls).toHaveLength(7);
    expect(logged).toEqual([]);
  });

  test('before the first line pays nothing', async () => {
    const { ask, balance, held, background } = await createCustomer({ origin: (_call, _, signal) => hang(signal) });
    const { next, cancel } = readerOf(await ask(texts(3)));
    const waiting = next();
    await cancel();
    expect(await waiting).toBeUndefined();
    await Promise.all(background);
    expect([await balance(), await held()]).toEqual([10_000, 0]);
  });

  test('shows as an aborted request too', async () => {
    const given = new AbortController();
    const { app, key, balance, held, background } = await createCustomer({
      origin: (call, _, signal) => (placeOf(call) === 0 ? answer(call) : hang(signal)),
    });
    const request = new Request('http://edge.test/v1/predict', {
      method: 'POST',
      body: JSON.stringify(texts(3)),
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', accept: NDJSON },
      signal: given.signal,
    });
    const { next } = readerOf(await app.request(request));
    await next();
    given.abort();
    await Promise.all(background);
    expect([await balance(), await held()]).toEqual([10_000 - ANSWER_PRICE, 0]);
  });

  test('finds what was paid for under the same name, and is not charged again', async () => {
    const { ask, balance, background, calls } = await createCustomer({
      origin: (call, _, signal) => (placeOf(call) === 0 ? answer(call) : hang(signal)),
    });
    const named = { 'idempotency-key': 'one' };
    const { next, cancel } = readerOf(await ask(texts(3), named));
    const first = await next();
    await cancel();
    await Promise.all(background);
    const asked = calls.length;
    const again = await ask(texts(3), named);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(parse(await textOf(again))).toMatchObject([first, { summary: { answers: 1, cancelled: 2, charge: { micros: ANSWER_PRICE } } }]);
    expect(await balance()).toBe(10_000 - ANSWER_PRICE);
    expect(calls).toHaveLength(asked);
  });

  test('does not make the config look bad', async () => {
    const { ask, calls, app, key } = await createCustomer({ origin: (_call, _, signal) => hang(signal) });
    const { cancel, next } = readerOf(await ask(texts(3)));
    void next();
    await vi.waitFor(() => expect(calls.length).toBe(3));
    await cancel();
    const health = await app.request('/health', { headers: { authorization: `Bearer ${key}` } });
    expect(await health.json()).toMatchObject({ endpoints: [{ up: true, in_flight: 0, failure_share: 0 }] });
  });
});

describe('under a name', () => {
  const named = { 'idempotency-key': 'one' };

  test('a finished stream is repeated as it was', async () => {
    const { ask, balance, calls } = await createCustomer();
    const first = await textOf(await ask(texts(3), named));
    const again = await ask(texts(3), named);
    expect([again.headers.get('content-type'), again.headers.get('idempotent-replayed')]).toEqual([NDJSON, 'true']);
    expect(again.headers.get('x-usage-micros')).toBe(String(3 * ANSWER_PRICE));
    expect(await textOf(again)).toBe(first);
    expect(await balance()).toBe(10_000 - 3 * ANSWER_PRICE);
    expect(calls).toHaveLength(3);
  });

  test('one that is under way, or that was asked for as JSON, is refused', async () => {
    const { ask } = await createCustomer({ origin: (_call, _, signal) => hang(signal) });
    const response = await ask(texts(2), named);
    const again = await ask(texts(2), named);
    expect([again.status, again.headers.get('retry-after')]).toEqual([409, '1']);
    expect((await ask(texts(2), { ...named, accept: 'application/json' })).status).toBe(409);
    await response.body?.cancel();
  });
});

test('out of time: what was not answered by then fails, each on its own line, and the stream ends', async () => {
  const { ask, balance, held } = await createCustomer({
    origin: (call, _, signal) => (placeOf(call) === 0 ? answer(call) : hang(signal)),
  });
  const lines = parse(await textOf(await ask(texts(9), { 'x-request-timeout-ms': '300' })));
  expect(lines).toHaveLength(10);
  expect(lines.at(-1)).toMatchObject({ summary: { answers: 1, failures: 8, cancelled: 0 } });
  expect(lines.filter((line) => 'error' in line && line.error.code === 'timeout')).toHaveLength(8);
  expect([await balance(), await held()]).toEqual([10_000 - ANSWER_PRICE, 0]);
});

test.each([
  [undefined, false],
  ['*/*', false],
  ['application/json', false],
  ['application/x-ndjson', true],
  ['Application/X-NDJSON; q=0.5', true],
  ['application/jsonl, text/plain', true],
  ['application/x-ndjson, application/json;q=0.9', true],
  ['application/x-ndjson;q=0.1, application/json', false],
  ['application/x-ndjson;q=0', false],
  ['application/x-ndjson;q=nonsense', false],
])('accept: %s', (accept, wanted) => {
  expect(acceptsLines(accept)).toBe(wanted);
});
