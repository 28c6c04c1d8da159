import { expect, test } from 'vitest';
import { CONFIG, createHarness, LEFT, ALL, RIGHT } from '../helpers/harness.ts';
import { createPaidHarness } from '../accounts/harness.ts';
import { createExperimentHarness, experiment } from '../helpers/experiment-harness.ts';
import { samplesOf, valueOf, watch } from './harness.ts';

const TEXT = { text: 'A film.' };

async function scrape(app: { request: (path: string, init?: RequestInit) => Response | Promise<Response> }, headers: HeadersInit = {}) {
  const response = await app.request('/metrics', { headers });
  expect(response.status).toBe(200);
  return samplesOf(response);
}

test('requests, decisions, attempts and answers are counted', async () => {
  const { app, post } = createHarness({ observation: watch().observation });
  await post('/v1/predict', TEXT);
  await post('/v1/predict', { inputs: [TEXT, { text: 'x', task: 'sst2' }, { text: 'x', task: 'nobody' }] });
  await post('/v1/predict', { text: 7 });
  await post('/v1/route', TEXT);
  await app.request('/v1/experts/that/are/not/there');
  const samples = await scrape(app);
  const value = (name: string, labels?: Record<string, string>) => valueOf(samples, `twinroute_${name}`, labels);
  expect(value('requests_total', { route: '/v1/predict', method: 'POST', status: '2xx' })).toBe(2);
  expect(value('requests_total', { route: '/v1/predict', method: 'POST', status: '4xx' })).toBe(1);
  expect(value('requests_total', { route: 'other', method: 'GET', status: '4xx' })).toBe(1);
  expect(value('request_duration_seconds_count', { route: '/v1/predict' })).toBe(3);
  expect(value('errors_total', { code: 'invalid_request' })).toBe(1);
  expect(value('errors_total', { code: 'not_found' })).toBe(2);
  expect(value('routing_decisions_total', { config: CONFIG, by: 'edge', abstained: 'false' })).toBe(3);
  expect(value('routing_decisions_total', { config: CONFIG, by: 'caller' })).toBe(1);
  expect(value('router_duration_seconds_count', { config: CONFIG })).toBe(4);
  expect(value('mix_experts_bucket', { config: CONFIG, le: '1' })).toBe(1);
  expect(value('mix_experts_bucket', { config: CONFIG, le: '2' })).toBe(4);
  expect(value('origin_duration_seconds_count', { config: CONFIG })).toBe(3);
  expect(value('tokens_total', { config: CONFIG })).toBe(21);
  expect(value('attempts_total', { endpoint: 'all', purpose: 'first', outcome: 'good' })).toBe(3);
  expect(value('requests_in_flight')).toBe(1);
  expect(value('isolates')).toBe(1);
  expect(value('endpoint_isolates', { config: CONFIG, endpoint: 'all', state: 'up' })).toBe(1);
});

test('retries, hedges, open circuits and last resorts are told apart', async () => {
  let nowMs = 1_000_000;
  const { app, post } = createHarness({
    observation: watch({ now: () => nowMs }).observation,
    now: () => nowMs,
    endpoints: [ALL, LEFT, RIGHT],
    uniform: () => 0,
    origin: ({ url }) => (url.includes('right') ? undefined : new Response(null, { status: 503 })),
  });
  for (let i = 0; i < 2; i++) {
    await post('/v1/predict', TEXT);
    nowMs += 10;
  }
  const samples = await scrape(app);
  const attempts = (purpose: string, outcome: string) =>
    samples
      .filter(({ name, labels }) => name === 'twinroute_attempts_total' && labels['purpose'] === purpose && labels['outcome'] === outcome)
      .reduce((sum, { value }) => sum + value, 0);
  expect([attempts('first', 'down'), attempts('retry', 'down'), attempts('last_resort', 'down')]).toEqual([1, 1, 2]);
  expect(valueOf(samples, 'twinroute_endpoint_isolates', { endpoint: 'left', state: 'open' })).toBe(1);
});

test('a hedge is counted as one, and the attempt that lost as unknown', async () => {
  const { app, post } = createHarness({
    observation: watch().observation,
    endpoints: [ALL, { ...ALL, id: 'other', url: 'http://other.test' }],
    upstream: { hedge: { after: 5 } },
    origin: (_call, attempt) => (attempt === 1 ? new Promise(() => undefined) : undefined),
  });
  expect((await post('/v1/predict', TEXT)).status).toBe(200);
  const samples = await scrape(app);
  expect(valueOf(samples, 'twinroute_attempts_total', { purpose: 'hedge', outcome: 'good' })).toBe(1);
  expect(valueOf(samples, 'twinroute_attempts_total', { purpose: 'first', outcome: 'unknown' })).toBe(1);
});

test('kept answers, shed requests, arms and shadows are counted', async () => {
  const definition = experiment({ shadow: { config: CONFIG, share: 1 } });
  const watched = watch();
  const { app, ask, post, settle } = await createExperimentHarness([definition], {
    observation: watched.observation,
    upstream: { cache: { bytes: 100_000, seconds: 60 }, in_flight: 1 },
  });
  const arms = [];
  for (const user of ['a', 'b', 'c', 'd', 'e', 'f']) arms.push((await ask(user)).experiment?.arm);
  await settle();
  await ask(undefined, { cache: true });
  await ask(undefined, { cache: true });
  const both = await Promise.all([post('/v1/predict', TEXT), post('/v1/predict', TEXT)]);
  expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 429]));
  const samples = await scrape(app);
  for (const arm of ['old', 'new'])
    expect(valueOf(samples, 'twinroute_experiment_exposures_total', { experiment: definition.key, arm }) ?? 0).toBe(
      arms.filter((name) => name === arm).length,
    );
  expect(valueOf(samples, 'twinroute_experiment_shadows_total', { experiment: definition.key, outcome: 'answered' })).toBe(6);
  expect(valueOf(samples, 'twinroute_attempts_total', { purpose: 'shadow', outcome: 'good' })).toBe(6);
  expect(valueOf(samples, 'twinroute_answer_cache_lookups_total', { result: 'hit' })).toBe(1);
  expect(valueOf(samples, 'twinroute_answer_cache_lookups_total', { result: 'miss' })).toBe(1);
  expect(valueOf(samples, 'twinroute_shed_requests_total')).toBe(1);
});

test('steps of the ledger and what was charged are counted', async () => {
  const { app, customer, post } = createPaidHarness({
    observation: watch().observation,
    metricsToken: 'scraper',
    origin: ({ body }) => (body.inputs[0].data[0] === 'fail' ? new Response(null, { status: 400 }) : undefined),
  });
  const { predict } = await customer(80);
  await predict(TEXT, { 'idempotency-key': 'one' });
  await predict(TEXT, { 'idempotency-key': 'one' });
  await predict({ text: 'fail' });
  await predict({ text: 'too dear for what is left'.repeat(10) });
  await post('/v1/predict', TEXT, { authorization: 'Bearer nonsense' });
  const samples = await scrape(app, { authorization: 'Bearer scraper' });
  const steps = samples.flatMap(({ name, labels, value }) =>
    name === 'twinroute_ledger_steps_total' ? [`${labels['step']} ${labels['outcome']} ${value}`] : [],
  );
  expect(steps.sort()).toEqual([
    'release released 1',
    'reserve opened 2',
    'reserve payment_required 1',
    'reserve repeated 1',
    'settle settled 1',
  ]);
  expect(valueOf(samples, 'twinroute_charged_micros_total')).toBe(16);
  expect(valueOf(samples, 'twinroute_errors_total', { code: 'payment_required' })).toBe(1);
  expect(valueOf(samples, 'twinroute_errors_total', { code: 'unauthorized' })).toBe(1);
});

test('OpenMetrics for those who ask for it', async () => {
  const { app, post } = createHarness({ observation: watch().observation });
  await post('/v1/predict', TEXT);
  const response = await app.request('/metrics', { headers: { accept: 'application/openmetrics-text;version=1.0.0' } });
  expect(response.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  const text = new TextDecoder().decode(await response.arrayBuffer());
  expect(text.endsWith('# EOF\n')).toBe(true);
  expect(text).toContain('# TYPE twinroute_requests counter\n');
  const plain = await app.request('/metrics');
  expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
});

test('with a token only who has it may read metrics; else who may read what an operator reads; without accounts everybody', async () => {
  const status = async (app: { request: (path: string, init?: RequestInit) => Response | Promise<Response> }, bearer?: string) =>
    (await app.request('/metrics', bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } })).status;
  const open = createHarness({ observation: watch().observation });
  expect(await status(open.app)).toBe(200);
  const guarded = createHarness({ observation: watch().observation, metricsToken: 'scraper' });
  expect([await status(guarded.app), await status(guarded.app, 'scraped'), await status(guarded.app, 'scraper')]).toEqual([401, 401, 200]);
  const paid = createPaidHarness({ observation: watch().observation });
  const { key } = await paid.customer();
  const { key: reader } = await paid.customer(0, { scopes: ['admin-read'] });
  expect([await status(paid.app), await status(paid.app, key), await status(paid.app, reader)]).toEqual([401, 403, 200]);
});
