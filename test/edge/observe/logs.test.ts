import { expect, test } from 'vitest';
import { CONFIG, createHarness } from '../helpers/harness.ts';
import { createExperimentHarness, experiment } from '../helpers/experiment-harness.ts';
import { watch } from './harness.ts';

const TEXT = { text: 'A film.' };

test('a request is one line of what happened to it', async () => {
  const watched = watch();
  const { post } = createHarness({ observation: watched.observation });
  const { headers } = await post('/v1/predict', TEXT, { 'x-request-id': 'r-1' });
  expect(watched.logged()).toEqual([
    {
      level: 'info',
      event: 'request',
      request_id: 'r-1',
      trace_id: headers.get('traceresponse')?.split('-')[1],
      method: 'POST',
      route: '/v1/predict',
      status: 200,
      ms: expect.any(Number),
      config: CONFIG,
      endpoint: 'all',
      inputs: 1,
      tokens: 7,
      attempts: 1,
    },
  ]);
});

test('a failure of ours is a line of its own, a caller’s is told by its code alone', async () => {
  const watched = watch();
  const { post } = createHarness({
    observation: watched.observation,
    origin: () => new Response(null, { status: 500 }),
    upstream: { attempts: 1 },
  });
  await post('/v1/predict', TEXT, { 'x-request-id': 'r-1' });
  await post('/v1/predict', { text: 7 }, { 'x-request-id': 'r-2' });
  expect(watched.logged()).toMatchObject([
    { level: 'error', event: 'failure', request_id: 'r-1', error: 'upstream', message: 'origin all: expected status 200' },
    { level: 'info', event: 'request', request_id: 'r-1', status: 502, code: 'upstream', endpoint: 'all', attempts: 1 },
    { level: 'info', event: 'request', request_id: 'r-2', status: 400, code: 'invalid_request' },
  ]);
});

test('levels leave out what is below them', async () => {
  const events = async (level: 'warn' | 'error') => {
    const watched = watch({ level });
    const { post } = createHarness({
      observation: watched.observation,
      origin: () => new Response(null, { status: 500 }),
      upstream: { attempts: 1 },
    });
    await post('/v1/predict', TEXT);
    watched.observation.observer.note({ kind: 'shed' });
    await watched.observation.flush();
    return watched.logged().map(({ event }) => event);
  };
  expect([await events('warn'), await events('error')]).toEqual([['failure', 'shed'], ['failure']]);
});

test('requests that are shed are told together, not one by one', async () => {
  const watched = watch();
  let release = (): void => undefined;
  const held = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  const { post } = createHarness({
    observation: watched.observation,
    upstream: { in_flight: 1 },
    origin: async ({ body }) =>
      body.inputs[0].data[0] === 'hold' ? ((await held) ?? new Response(null, { status: 400 })) : new Response(null, { status: 400 }),
  });
  const first = post('/v1/predict', { text: 'hold' });
  for (let i = 0; i < 50; i++) expect((await post('/v1/predict', TEXT)).status).toBe(429);
  release();
  await first;
  expect(watched.logged().filter(({ event }) => event === 'shed')).toEqual([]);
  await watched.observation.flush();
  expect(watched.logged().filter(({ event }) => event !== 'request')).toMatchObject([
    { event: 'failure' },
    { level: 'warn', event: 'shed', count: 50 },
  ]);
  expect(watched.logged().filter(({ event }) => event === 'request')).toHaveLength(1);
});

test('errors that come in crowds are told one by one at first, then together', async () => {
  const watched = watch({ level: 'warn' });
  const { post } = createHarness({
    observation: watched.observation,
    origin: () => new Response(null, { status: 500 }),
    upstream: { attempts: 1 },
  });
  for (let i = 0; i < 30; i++) await post('/v1/predict', TEXT);
  const told = watched.logged().length;
  await watched.observation.flush();
  await watched.observation.flush();
  expect(told).toBeLessThan(30);
  expect(
    watched
      .logged()
      .slice(told)
      .filter(({ event }) => event === 'failures').length,
  ).toBeGreaterThan(0);
  expect(watched.logged().filter(({ event }) => event === 'failures').length).toBeLessThanOrEqual(2);
});

test('experiments that cannot be read are a problem that is told', async () => {
  const watched = watch({ level: 'error' });
  const { ask, publish, pass } = await createExperimentHarness([experiment()], { observation: watched.observation });
  await ask('a');
  await publish('{"experiments": "none"}');
  pass(60_000);
  await ask('a');
  expect(watched.logged()).toMatchObject([{ level: 'error', event: 'problem', about: 'experiments' }]);
});
