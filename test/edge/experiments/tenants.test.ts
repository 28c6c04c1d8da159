// Experiments where requests come with keys of accounts.

import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { Experiment } from '../../../src/contract/experiments.ts';
import { ExperimentReport } from '../../../src/contract/experiment-report.ts';
import { ErrorBody, Prediction } from '../../../src/contract/http.ts';
import { assign } from '../../../src/core/experiment/assign.ts';
import { bindExperiments } from '../../../src/edge/experiments/bind-experiments.ts';
import { createPaidHarness } from '../accounts/harness.ts';
import { experiment } from '../helpers/experiment-harness.ts';
import { CONFIG, OTHER_CONFIG } from '../helpers/harness.ts';

// The first Durable Object of a test file takes seconds to load; the edge would not wait for it.
beforeAll(async () => {
  await env.EXPERIMENT_STATES.getByName('warm').standing(z.parse(Experiment, experiment()));
}, 60_000);

function createHarness(...experiments: object[]) {
  const { EXPERIMENT_STATES } = env;
  const bound = bindExperiments({ EXPERIMENT_STATES, EXPERIMENTS: JSON.stringify({ experiments }) });
  return createPaidHarness({ experiments: bound });
}

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
const answerOf = ({ body }: { readonly body: unknown }): Prediction => z.parse(Prediction, body);

/** An error without the id of its request. */
function saidIn(body: unknown): object {
  const { request_id: _, ...error } = z.parse(ErrorBody, body).error;
  return error;
}

describe('feedback', () => {
  test('of another account about a request is refused, as if there were no such request', async () => {
    const { post, customer } = createHarness(experiment());
    const [ada, eve] = [await customer(), await customer()];
    const { id } = answerOf(await ada.predict({ text: 'a', user: 'u' }));
    const refused = await post('/v1/feedback', { request_id: id, outcome: 0 }, bearer(eve.key));
    const unknown = await post('/v1/feedback', { request_id: 'nothing', outcome: 0 }, bearer(eve.key));
    expect(saidIn(refused.body)).toEqual(saidIn(unknown.body));
    expect(refused.status).toBe(404);
    expect(await post('/v1/feedback', { request_id: id, outcome: 1 }, bearer(ada.key))).toMatchObject({
      status: 200,
      body: { recorded: true },
    });
  });

  test('about an id that two accounts used is each one’s own', async () => {
    const definition = experiment();
    const { post, customer } = createHarness(definition);
    const [ada, eve] = [await customer(), await customer(0, { scopes: ['predict', 'feedback', 'admin-read'] })];
    const headers = { 'x-request-id': 'same' };
    await ada.predict({ text: 'a', user: 'u' }, headers);
    expect((await post('/v1/feedback', { request_id: 'same', outcome: 0 }, bearer(eve.key))).status).toBe(404);
    expect((await post('/v1/feedback', { request_id: 'same', outcome: 1 }, bearer(ada.key))).status).toBe(200);
  });

  test('needs the scope', async () => {
    const { post, customer } = createHarness(experiment());
    const ada = await customer(1_000_000, { scopes: ['predict'] });
    const { id } = answerOf(await ada.predict({ text: 'a', user: 'u' }));
    expect((await post('/v1/feedback', { request_id: id, outcome: 1 }, bearer(ada.key))).status).toBe(403);
    expect((await post('/v1/feedback', { request_id: id, outcome: 1 })).status).toBe(401);
  });
});

test('the state of experiments is for keys that may read it', async () => {
  const definition = experiment();
  const { customer } = createHarness(definition);
  const [caller, operator] = [await customer(), await customer(0, { scopes: ['admin-read'] })];
  for (const path of ['/v1/experiments', `/v1/experiments/${definition.key}`]) {
    expect((await caller.get(path)).status).toBe(403);
    expect((await operator.get(path)).status).toBe(200);
  }
});

test('an experiment by key gives a key one config whatever its users', async () => {
  const definition = experiment({ unit: 'key' });
  const { customer } = createHarness(definition);
  const rule = { key: definition.key, hash_version: 2, weights: [0.5, 0.5], coverage: 1 } as const;
  for (let i = 0; i < 6; i++) {
    const { predict, keyId } = await customer();
    for (const user of [undefined, 'u1', 'u2'])
      expect(answerOf(await predict({ text: 'a', ...(user !== undefined && { user }) })).config).toBe(
        [CONFIG, OTHER_CONFIG][Number(assign(rule, keyId))],
      );
  }
});

test('the same user of two accounts is two units', async () => {
  const definition = experiment();
  const { customer } = createHarness(definition);
  const operator = await customer(1_000_000, { scopes: ['predict', 'admin-read'] });
  for (const { predict } of [await customer(), operator]) for (let i = 0; i < 3; i++) await predict({ text: 'a', user: 'u' });
  const { arms } = z.parse(ExperimentReport, (await operator.get(`/v1/experiments/${definition.key}`)).body);
  expect(Math.max(...arms.map(({ units }) => units))).toBe(2);
  expect(Math.max(...arms.map(({ exposures }) => exposures))).toBe(6);
});

test('a key that may not use every arm’s config is left out', async () => {
  const definition = experiment({ allow_forced: true });
  const { customer } = createHarness(definition);
  const { predict } = await customer(1_000_000, { configs: [OTHER_CONFIG] });
  for (let i = 0; i < 8; i++) expect(answerOf(await predict({ text: 'a', user: `u${i}` }))).toMatchObject({ config: OTHER_CONFIG });
  expect(answerOf(await predict({ text: 'a', user: 'u' })).experiment).toBeUndefined();
  expect((await predict({ text: 'a' }, { 'x-twinroute-arm': `${definition.key}=old` })).status).toBe(403);
});

test('a shadow costs nothing', async () => {
  const definition = experiment({ shadow: { config: OTHER_CONFIG, share: 1 } });
  const { customer, calls } = createHarness(definition);
  const { predict, balance } = await customer(1000);
  await predict({ text: 'a', user: 'u' });
  await expect.poll(() => calls.length).toBe(2);
  const spent = 1000 - Number(await balance());
  await predict({ text: 'a', task: 'sst2', config: CONFIG });
  expect(1000 - Number(await balance())).toBe(2 * spent);
});
