// What watches a deployment, through `twinroute dev`: spans reach a collector, metrics are summed in their Durable Object, and lines are told; of what
// a caller wrote, nothing.

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { listen, type Listening } from '../helpers/listen.ts';
import { buildTinyPack, makeTinyInputs, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { parseExposition } from '../helpers/parse-exposition.ts';
import { startWith, type Program } from './program.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const SECRET = 'collector-key-5d1f';
const TOKEN = 'scrape-token-81c2';
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(z.object({ key: z.string(), value: z.object({ stringValue: z.string() }) })) }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(z.object({ traceId: z.string(), spanId: z.string(), parentSpanId: z.optional(z.string()), name: z.string() })),
        }),
      ),
    }),
  ),
});

let inputs: TinyInputs;
let program: Program;
let url: string;
let collector: Listening;
const exports: { readonly key: string | undefined; readonly text: string }[] = [];

beforeAll(async () => {
  inputs = await makeTinyInputs();
  collector = await listen((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      exports.push({ key: request.headers['x-key']?.toString(), text });
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  const env = {
    OTLP: JSON.stringify({ url: `${collector.url}/v1/traces`, sample_ratio: 0, interval_ms: 100 }),
    OTLP_HEADERS: JSON.stringify({ 'x-key': SECRET }),
    METRICS_TOKEN: TOKEN,
    LOG_LEVEL: 'info',
  };
  program = startWith(env, 'dev', await buildTinyPack(inputs), '--port', '0', '--origin-port', '0');
  url = (await program.waitFor(/edge +(http:\/\/\S+)/))[1];
  await program.waitFor(/ctrl-c stops/);
});

afterAll(async () => {
  program.process.kill('SIGTERM');
  await program.ended;
  await collector.close();
  await inputs.models.remove();
});

async function ask(body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

test('a caller’s trace comes out at the collector, its request in the log, its counts at /metrics, its text nowhere', async () => {
  const text = tinyText('birds', 7);
  const answered = await ask({ text }, { traceparent: `00-${TRACE}-${CALLER}-01`, 'x-request-id': 'followed' });
  expect(answered.status).toBe(200);
  const root = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(answered.headers.get('traceresponse') ?? '');
  expect(root?.[1]).toBe(TRACE);
  expect((await ask({ text })).status).toBe(200);

  const spansOf = () =>
    exports.flatMap(({ text: body }) =>
      Export.parse(JSON.parse(body)).resourceSpans.flatMap(({ resource, scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ service: resource.attributes[0].value.stringValue, ...span }))),
      ),
    );
  const names = ['POST /v1/predict', 'POST /v2/models/{model}/infer', 'run'];
  await vi.waitFor(() => expect(spansOf().map(({ name }) => name)).toEqual(expect.arrayContaining(names)), { timeout: 20_000 });
  const spans = spansOf();
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  expect(spans.find(({ name }) => name === 'POST /v1/predict')).toMatchObject({
    service: 'twinroute-edge',
    spanId: root?.[2],
    parentSpanId: CALLER,
  });
  expect(spans.filter(({ parentSpanId }) => parentSpanId === root?.[2]).map(({ name }) => name.replace(/ \w+$/, ''))).toEqual([
    'route',
    'POST',
  ]);
  // The origin's spans hang below the attempt that asked it.
  const attempt = spans.find(({ service, name }) => service === 'twinroute-edge' && / (left|right|all)$/.test(name));
  const inference = spans.find(({ name }) => name === 'POST /v2/models/{model}/infer');
  expect(inference).toMatchObject({ service: 'twinroute-origin', parentSpanId: attempt?.spanId });
  const [, endpoint] = /origin all +(\S+)/.exec(program.output()) ?? [];
  const counted = parseExposition(await (await fetch(`${endpoint}/metrics`)).text());
  expect(counted.map(({ name }) => name)).toContain('nv_inference_pending_request_count');

  expect(exports.every(({ key }) => key === SECRET)).toBe(true);

  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  const scraped = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const samples = parseExposition(await scraped.text());
  const requests = samples.find(({ name, labels }) => name === 'twinroute_requests_total' && labels['route'] === '/v1/predict');
  expect(requests?.labels).toEqual({ route: '/v1/predict', method: 'POST', status: '2xx' });
  expect(requests?.value).toBeGreaterThanOrEqual(2);
  expect(samples.find(({ name }) => name === 'twinroute_isolates')?.value).toBe(1);

  const line = (await program.waitFor(/\{"level":"info","event":"request","request_id":"followed".*\}/))[0];
  expect(JSON.parse(line)).toMatchObject({ trace_id: TRACE, route: '/v1/predict', status: 200, attempts: 1 });
  const written = [program.output(), ...exports.map(({ text: body }) => body), JSON.stringify(samples)].join('\n');
  for (const secret of [text, SECRET, TOKEN]) expect(written).not.toContain(secret);
});
