// A pack with gates mixes all of its experts whatever is asked: it costs them all, and is for keys that may use them all.

import { expect, test } from 'vitest';
import { answer, BUNDLE } from '../helpers/harness.ts';
import { createPaidHarness } from './harness.ts';

const GATES = { gates: { datatype: 'FP32', shape: [1, 3], data: [0.5, -0.2, 0.1] } };
const gated = { gated: true, origin: (call: Parameters<typeof answer>[0]) => answer(call, GATES) } as const;
const ALL = BUNDLE.experts.map(({ name }) => name);

test('an answer is charged for every expert, also where one was named', async () => {
  const prices = { answer: { request: 1 }, experts: { cola: { request: 10 }, sst2: { request: 100 }, stsb: { request: 1000 } } };
  const { customer } = createPaidHarness({ ...gated, prices });
  const { predict } = await customer();
  for (const body of [{ text: 'a' }, { text: 'a', task: 'cola' }, { text: 'a', mix: { cola: 1 } }, { text: 'a', top_k: 1 }])
    expect((await predict(body)).headers.get('x-usage-micros')).toBe('1111');
  const poor = await customer(1110);
  expect((await poor.predict({ text: 'a', task: 'cola' })).status).toBe(402);
});

test('a key that may not use every expert is refused, whatever it asks for', async () => {
  const { customer, calls } = createPaidHarness(gated);
  const narrow = await customer(1_000, { experts: ['cola', 'sst2'] });
  for (const body of [{ text: 'a' }, { text: 'a', task: 'cola' }, { text: 'a', mix: { cola: 1 } }])
    expect(await narrow.predict(body)).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
  expect(calls).toEqual([]);
  expect(await narrow.balance()).toBe(1_000);
  const whole = await customer(1_000, { experts: ALL });
  expect((await whole.predict({ text: 'a', task: 'cola' })).status).toBe(200);
});
