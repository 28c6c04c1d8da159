// What a release carries beside configs: prices and experiments.

import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { Experiment, Experiments } from '../../../src/contract/experiments.ts';
import { PriceList } from '../../../src/contract/price-list.ts';
import { Prediction } from '../../../src/contract/http.ts';
import { signRelease } from '../../../src/formats/signing/release-signature.ts';
import { ANSWER_PRICE } from '../accounts/harness.ts';
import { createPublished, NEW, OLD, publisher, releaseOf, TTL_MS } from './harness.ts';

const pricesOf = (request: number, currency = 'USD') => z.parse(PriceList, { currency, answer: { request } });

test('prices that are published hold within the TTL, each request under one list', async () => {
  const { isolate, first, old, deployment } = await createPublished();
  const cost = async (): Promise<string | null> => (await isolate.customer.predict()).headers.get('x-usage-micros');
  expect(await cost()).toBe(String(ANSWER_PRICE));
  const second = await signRelease(publisher, releaseOf(first, [old.entry], { prices: pricesOf(77) }));
  expect((await isolate.commit(second)).status).toBe(201);
  await deployment.notice(second.signed);
  expect(await cost()).toBe(String(ANSWER_PRICE));
  isolate.pass(TTL_MS);
  expect(await cost()).toBe('77');
  expect((await isolate.customer.get('/v1/prices')).body).toMatchObject({ answer: { request: 77 } });
  const third = await signRelease(publisher, releaseOf(second, [old.entry]));
  await isolate.commit(third);
  await deployment.notice(third.signed);
  isolate.pass(TTL_MS);
  expect(await cost()).toBe(String(ANSWER_PRICE));
});

test('prices in another currency than that of balances are refused, by the admin API and by every isolate', async () => {
  const { isolate, first, fresh, deployment } = await createPublished();
  const second = await signRelease(publisher, releaseOf(first, [fresh.entry], { prices: pricesOf(77, 'EUR') }));
  expect((await isolate.commit(second)).status).toBe(400);
  await deployment.history().commit({ version: 2, sha256: second.sha256, signed: second.signed }, first.sha256);
  await deployment.notice(second.signed);
  isolate.pass(TTL_MS);
  expect([await isolate.ask(), await isolate.health()]).toEqual([OLD, { version: 1, problem: 'config' }]);
});

test('experiments that are published enrol users, and a staged config is an arm', async () => {
  const { isolate, first, old, fresh, deployment } = await createPublished();
  const arms = [OLD, NEW].map((config, i) => ({ name: `arm-${i}`, config, weight: 0.5 }));
  const experiments = z.parse(Experiments, { experiments: [{ key: 'published', arms }] });
  // The first Durable Object of a test file takes seconds to load; the edge would not wait for it.
  const warm = z.parse(Experiment, experiments.experiments[0]);
  await env.EXPERIMENT_STATES.getByName('warm').feedback(warm, { tenant: '', id: '', name: '', value: 0 });
  const second = await signRelease(publisher, releaseOf(first, [old.entry, fresh.entry], { experiments }));
  await isolate.commit(second);
  await deployment.notice(second.signed);
  // Experiments were looked for a moment ago, and found none: they come with the release all the same.
  isolate.pass(TTL_MS - 1);
  await isolate.customer.predict({ text: 'A film.', user: 'user-0' });
  await isolate.settle();
  const served = new Map<string, number>();
  for (let i = 0; i < 40; i++) {
    const { config, experiment } = z.parse(Prediction, (await isolate.customer.predict({ text: 'A film.', user: `user-${i}` })).body);
    expect(experiment?.key).toBe('published');
    served.set(config, (served.get(config) ?? 0) + 1);
  }
  expect([...served.keys()].sort()).toEqual([OLD, NEW]);
});
