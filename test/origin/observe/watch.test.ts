// An origin that is watched: Triton's counters at /metrics, and spans below the caller's.

import { afterEach, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { startOrigin, type Origin, type OriginOptions } from '../../../src/origin/index.ts';
import { parseExposition, type Sample } from '../../helpers/parse-exposition.ts';
import { createFakePredictor } from '../fake-predictor.ts';
import { texts } from '../fake-app.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.optional(z.string()),
  name: z.string(),
  startTimeUnixNano: z.string(),
});
const Export = z.object({ resourceSpans: z.tuple([z.object({ scopeSpans: z.tuple([z.object({ spans: z.array(Span) })]) })]) });

let origin: Origin;
let logged: string[];
let bodies: string[];

async function start(options: Partial<OriginOptions> = {}): Promise<void> {
  logged = [];
  bodies = [];
  origin = await startOrigin({
    predictors: [createFakePredictor()],
    version: '1',
    maxDelayMs: 0,
    log: (line) => void logged.push(line),
    traces: {
      send: async (body) => {
        bodies.push(body);
        return 200;
      },
      resource: { 'service.name': 'origin' },
      sampleRatio: 0,
      queue: 100,
      batch: 100,
      everyMs: 1,
    },
    ...options,
  });
}

afterEach(() => origin.close());

function infer(body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${origin.url}/v2/models/glue/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

const ROWS = { inputs: [texts('text', 'one', 'two'), texts('head', 'cola', 'cola')] };

async function scrape(): Promise<Sample[]> {
  return parseExposition(await (await fetch(`${origin.url}/metrics`)).text());
}
const valueOf = (samples: readonly Sample[], name: string, reason?: string): number | undefined =>
  samples.find((sample) => sample.name === name && sample.labels['reason'] === reason)?.value;

test('requests, rows and runs are counted under Triton’s names', async () => {
  await start();
  expect((await infer(ROWS)).status).toBe(200);
  expect((await infer({ inputs: [texts('nonsense', 'one')] })).status).toBe(400);
  expect((await fetch(`${origin.url}/v2/models/nobody/infer`, { method: 'POST', body: '{}' })).status).toBe(404);
  const samples = await scrape();
  const [{ labels }] = samples.filter(({ name }) => name === 'nv_inference_request_success');
  expect(labels['model']).toBe('glue');
  expect(valueOf(samples, 'nv_inference_request_success')).toBe(1);
  expect(valueOf(samples, 'nv_inference_request_failure', 'OTHER')).toBe(1);
  expect(valueOf(samples, 'nv_inference_count')).toBe(2);
  expect(valueOf(samples, 'nv_inference_exec_count')).toBe(1);
  expect(valueOf(samples, 'nv_inference_pending_request_count')).toBe(0);
  const us = (part: string): number => valueOf(samples, `nv_inference_${part}_duration_us`) ?? Number.NaN;
  expect(us('queue') + us('compute_input') + us('compute_infer') + us('compute_output')).toBeCloseTo(us('request'), -1);
});

test('a caller’s trace goes on: the request, its wait and its run are spans below the caller’s', async () => {
  await start();
  await infer(ROWS, { traceparent: `00-${TRACE}-${CALLER}-01` });
  await infer(ROWS, { traceparent: `00-${TRACE}-${CALLER}-00` });
  await infer(ROWS);
  await origin.close();
  const spans = bodies.flatMap((body) => Export.parse(JSON.parse(body)).resourceSpans[0].scopeSpans[0].spans);
  expect(spans.map(({ traceId, name }) => [traceId, name])).toEqual([
    [TRACE, 'POST /v2/models/{model}/infer'],
    [TRACE, 'queue'],
    [TRACE, 'run'],
  ]);
  const [request, queue, run] = spans;
  expect([request.parentSpanId, queue.parentSpanId, run.parentSpanId]).toEqual([CALLER, request.spanId, request.spanId]);
  expect(Math.abs(Number(request.startTimeUnixNano) / 1e6 - Date.now())).toBeLessThan(60_000);
});

test('a defect is logged with the trace, and without what it quotes', async () => {
  await start({
    predictors: [{ ...createFakePredictor(), run: () => Promise.reject(new Error('cannot run "one two three"')) }],
  });
  const answered = await infer(ROWS, { traceparent: `00-${TRACE}-${CALLER}-01`, 'x-request-id': 'r-1' });
  expect(answered.status).toBe(500);
  expect(logged).toHaveLength(1);
  expect(JSON.parse(logged[0])).toMatchObject({ level: 'error', event: 'failure', request_id: 'r-1', trace_id: TRACE, error: 'internal' });
  expect(logged[0]).not.toContain('one two three');
  expect(valueOf(await scrape(), 'nv_inference_request_failure', 'BACKEND')).toBe(1);
});
