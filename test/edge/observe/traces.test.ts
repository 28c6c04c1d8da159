import { expect, test } from 'vitest';
import { ALL, createHarness, LEFT } from '../helpers/harness.ts';
import { createPaidHarness } from '../accounts/harness.ts';
import { samplesOf, valueOf, watch } from './harness.ts';

const TEXT = { text: 'A film.' };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

test('a request goes on with its caller’s trace, down to every attempt and back', async () => {
  const watched = watch({ sampleRatio: 0 });
  const { post, calls } = createHarness({
    observation: watched.observation,
    endpoints: [ALL, LEFT],
    origin: (_call, attempt) => (attempt === 1 ? new Response(null, { status: 500 }) : undefined),
  });
  const { headers } = await post('/v1/predict', TEXT, {
    traceparent: `00-${TRACE}-${CALLER}-01`,
    tracestate: 'vendor=1',
    'x-request-id': 'r-1',
  });
  const spans = await watched.spans();
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  const [root] = spans.filter(({ kind }) => kind === 2);
  expect(root).toMatchObject({
    name: 'POST /v1/predict',
    parentSpanId: CALLER,
    attributes: { 'http.route': '/v1/predict', 'http.response.status_code': '200', 'twinroute.request_id': 'r-1', 'twinroute.inputs': '1' },
  });
  expect(headers.get('traceresponse')).toBe(`00-${TRACE}-${root.spanId}-01`);
  const children = spans.filter((span) => span !== root);
  expect(children.map(({ parentSpanId }) => parentSpanId)).toEqual(children.map(() => root.spanId));
  const attempts = children.filter(({ name }) => name.startsWith('POST '));
  expect(attempts.map(({ attributes }) => [attributes['twinroute.attempt.purpose'], attributes['twinroute.attempt.outcome']])).toEqual([
    ['first', 'doubtful'],
    ['retry', 'good'],
  ]);
  // Each origin is told the span of the attempt that asked it.
  expect(calls.map(({ headers: sent }) => [sent.get('traceparent'), sent.get('tracestate')])).toEqual(
    attempts.map(({ spanId }) => [`00-${TRACE}-${spanId}-01`, 'vendor=1']),
  );
  expect(children.find(({ name }) => name === 'route')?.attributes).toMatchObject({
    'twinroute.routed_by': 'edge',
    'twinroute.mix.experts': '2',
  });
});

test('what failed is marked, with its code', async () => {
  const watched = watch();
  const { post } = createHarness({
    observation: watched.observation,
    origin: () => new Response(null, { status: 500 }),
    upstream: { attempts: 1 },
  });
  expect((await post('/v1/predict', TEXT)).status).toBe(502);
  const spans = await watched.spans();
  expect(spans.filter(({ status }) => status?.code === 2).map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
    ['POST all', 'upstream'],
    ['POST /v1/predict', 'upstream'],
  ]);
});

test('steps of the ledger are spans', async () => {
  const watched = watch();
  const { customer } = createPaidHarness({ observation: watched.observation });
  const { predict } = await customer();
  await predict();
  const steps = (await watched.spans()).filter(({ name }) => name.startsWith('ledger '));
  expect(steps.map(({ name, attributes }) => [name, attributes['twinroute.ledger.outcome']])).toEqual([
    ['ledger reserve', 'opened'],
    ['ledger settle', 'settled'],
  ]);
});

test('the caller’s decision holds; without one the ratio decides', async () => {
  const sampled = async (sampleRatio: number, headers: Record<string, string>) => {
    const watched = watch({ sampleRatio });
    const { post, calls } = createHarness({ observation: watched.observation });
    await post('/v1/predict', TEXT, headers);
    return [(await watched.spans()).length > 0, calls[0].headers.get('traceparent')?.slice(-2)];
  };
  expect(await sampled(1, { traceparent: `00-${TRACE}-${CALLER}-00` })).toEqual([false, '00']);
  expect(await sampled(0, { traceparent: `00-${TRACE}-${CALLER}-01` })).toEqual([true, '01']);
  expect(await sampled(0, {})).toEqual([false, '02']);
  expect(await sampled(1, {})).toEqual([true, '03']);
  expect(await sampled(0, { traceparent: 'nonsense', tracestate: 'a=1' })).toEqual([false, '02']);
});

test('a collector that is away neither delays nor fails a request; what does not fit is counted', async () => {
  const watched = watch({ send: () => new Promise(() => undefined) });
  const { app, post } = createHarness({ observation: watched.observation });
  for (let i = 0; i < 400; i++) expect((await post('/v1/predict', TEXT)).status).toBe(200);
  expect(watched.bodies).toHaveLength(1);
  const samples = await samplesOf(await app.request('/metrics'));
  // 400 requests of three spans; 100 are under way, 1,000 wait.
  expect(valueOf(samples, 'twinroute_telemetry_dropped_total', { what: 'spans', why: 'queue' })).toBe(100);
});
