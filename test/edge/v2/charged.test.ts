// The protocol beside accounts and experiments: charged as /v1/predict is, in whatever form it is asked.

import { describe, expect, test } from 'vitest';
import { ANSWER_PRICE, createPaidHarness } from '../accounts/harness.ts';
import { createExperimentHarness, experiment } from '../helpers/experiment-harness.ts';
import { answer, CONFIG, NO_EXPERIMENTS, OTHER_CONFIG } from '../helpers/harness.ts';
import { client, decode, encode, mixes, texts } from './harness.ts';

const CREDIT = 1_000_000;

describe('metering', () => {
  test('each row is charged as an answer of /v1/predict', async () => {
    const harness = createPaidHarness();
    const { key, balance, held } = await harness.customer(CREDIT);
    const authorization = `Bearer ${key}`;
    const response = await client(harness).send(JSON.stringify({ inputs: [texts('text', 'a', 'b', 'c')] }), { authorization });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-usage-micros': String(3 * ANSWER_PRICE),
      'x-usage-tokens': '21',
      'x-balance-micros': String(CREDIT - 3 * ANSWER_PRICE),
      'content-type': 'application/json',
    });
    expect([await balance(), await held()]).toEqual([CREDIT - 3 * ANSWER_PRICE, 0]);
  });

  test('a request with a row that fails costs nothing', async () => {
    const harness = createPaidHarness({
      origin: (call) => (call.body.id === 'r.7' ? Response.json({ error: 'no' }, { status: 400 }) : undefined),
    });
    const { key, balance, held } = await harness.customer(CREDIT);
    const texts8 = texts('text', ...Array.from({ length: 8 }, () => 'a'));
    const failed = await client(harness).refused({ inputs: [texts8] }, { authorization: `Bearer ${key}`, 'x-request-id': 'r' });
    expect(failed).toMatchObject({ status: 502, code: 'upstream', error: expect.stringContaining('row 7') });
    // Some rows had their answers already.
    expect(harness.calls.length).toBe(8);
    expect([await balance(), await held()]).toEqual([CREDIT, 0]);
  });

  test('no key, no credit: refused in the words of the protocol', async () => {
    const harness = createPaidHarness();
    const { refused } = client(harness);
    const request = { inputs: [texts('text', 'a')] };
    const stranger = await refused(request);
    expect(stranger).toMatchObject({ status: 401, code: 'unauthorized' });
    expect(stranger.headers.get('www-authenticate')).toBe('Bearer');
    const { key } = await harness.customer(0);
    expect(await refused(request, { authorization: `Bearer ${key}` })).toMatchObject({ status: 402, code: 'payment_required' });
    const reader = await harness.customer(CREDIT, { scopes: ['route'] });
    expect(await refused(request, { authorization: `Bearer ${reader.key}` })).toMatchObject({ status: 403, code: 'forbidden' });
    expect(harness.calls).toEqual([]);
  });

  test('asked again under the same name it is answered as before, in the form that is wanted now', async () => {
    const harness = createPaidHarness();
    const { key, balance } = await harness.customer(CREDIT);
    const { send, refused } = client(harness);
    const headers = { authorization: `Bearer ${key}`, 'idempotency-key': 'once' };
    const request = {
      id: 'first',
      inputs: [
        texts('text', 'a', 'b'),
        mixes([
          [0.25, 0.5, 0],
          [0, 0, 1],
        ]),
      ],
    };
    const first = await decode(await send(JSON.stringify(request), headers));
    const again = encode({ ...request, id: 'second', parameters: { binary_data_output: true } }, () => true);
    const response = await send(again.body, { ...headers, ...again.headers });
    expect(response.headers.get('idempotent-replayed')).toBe('true');
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    const second = await decode(response);
    expect(second.outputs).toEqual(first.outputs);
    expect([first.id, second.id]).toEqual(['first', 'second']);
    expect(harness.calls.length).toBe(2);
    expect(await balance()).toBe(CREDIT - 2 * ANSWER_PRICE);
    expect(await refused({ inputs: [texts('text', 'a', 'c')] }, headers)).toMatchObject({ status: 409, code: 'conflict' });
    const plain = await harness.post('/v1/predict', { text: 'a' }, headers);
    expect(plain.status).toBe(409);
  });
});

test('a key sees and gets the configs that it allows, its first one by default', async () => {
  const harness = createPaidHarness({ experiments: NO_EXPERIMENTS });
  const { key } = await harness.customer(1_000_000, { configs: [OTHER_CONFIG] });
  const { send } = client(harness);
  const authorization = `Bearer ${key}`;
  const read = async (path: string): Promise<{ status: number; body: unknown }> => {
    const response = await harness.app.request(path, { headers: { authorization } });
    return { status: response.status, body: await response.json() };
  };
  expect(await read('/v2/models/sample')).toMatchObject({ status: 200, body: { versions: [OTHER_CONFIG] } });
  expect(await read(`/v2/models/sample/versions/${CONFIG}`)).toMatchObject({ status: 404 });
  expect(await (await send('', { authorization }, '/v2/repository/index')).json()).toMatchObject([{ version: OTHER_CONFIG }]);
  expect((await client(harness).get('/v2/models/sample')).status).toBe(401);
  expect((await client(harness).get('/v2/health/ready')).status).toBe(200);
  const answer = await client(harness).infer({ inputs: [texts('text', 'a')] }, { authorization });
  expect(answer.model_version).toBe(OTHER_CONFIG);
});

test('a request’s user has an arm, and the answer names it', async () => {
  const published = experiment();
  const harness = await createExperimentHarness([published]);
  const { infer } = client(harness);
  const arms = new Set<unknown>();
  for (let i = 0; i < 12; i++) {
    const { model_version, parameters } = await infer({ inputs: [texts('text', 'a', 'b', 'c')], parameters: { user: `u${i}` } });
    const arm = published.arms.find(({ config }) => config === model_version);
    expect(parameters).toMatchObject({ experiment: published.key, arm: arm?.name });
    expect((await harness.ask(`u${i}`)).experiment).toEqual({ key: published.key, arm: arm?.name });
    arms.add(arm?.name);
  }
  expect(arms.size).toBe(2);
  // Who names a version is in no experiment.
  const { parameters, model_version } = await infer(
    { inputs: [texts('text', 'a')], parameters: { user: 'u1' } },
    {},
    `/v2/models/sample/versions/${CONFIG}/infer`,
  );
  expect([model_version, parameters]).toEqual([CONFIG, { request_id: expect.any(String) }]);
});

test('rows that an experiment’s change divides are nobody’s answer', async () => {
  const published = experiment();
  let calls = 0;
  const harness = await createExperimentHarness([published], {
    origin: async (call) => {
      calls += 1;
      if (calls === 6) {
        const [one, other] = published.arms;
        await harness.publish([
          {
            ...published,
            arms: [
              { ...one, config: other.config },
              { ...other, config: one.config },
            ],
          },
        ]);
        harness.pass(120_000);
      }
      // The edge reads what was published while requests go on.
      if (calls > 6) await new Promise((resolve) => setTimeout(resolve, 10));
      return answer(call);
    },
    upstream: { request_ms: 600_000, attempt_ms: 600_000 },
  });
  const rows = Array.from({ length: 64 }, () => 'a');
  const failed = await client(harness).refused({ inputs: [texts('text', ...rows)], parameters: { user: 'u' } });
  expect(failed).toMatchObject({ status: 503, code: 'unavailable', error: expect.stringContaining('an experiment changed') });
  expect(failed.headers.get('retry-after')).toBe('1');
});
