// The client inside a Worker, against the edge inside the same.

import { expect, test } from 'vitest';
import { ApiError, createClient, type PredictLine } from '../../src/client/index.ts';
import { ANSWER_PRICE, createPaidHarness, type PaidOptions } from './accounts/harness.ts';
import { answer, hang } from './helpers/harness.ts';

async function createCustomer(options: PaidOptions = {}) {
  const harness = createPaidHarness(options);
  const customer = await harness.customer(10_000);
  const client = createClient({
    url: 'http://edge.test',
    key: customer.key,
    random: () => 0.001,
    fetch: async (input, init) => harness.app.request(new Request(input, init)),
  });
  return { ...harness, ...customer, client };
}

test('answers, and is charged once although its first answer was lost', async () => {
  const harness = createPaidHarness();
  const { key, balance } = await harness.customer(10_000);
  let lost = 0;
  const client = createClient({
    url: 'http://edge.test',
    key,
    random: () => 0.001,
    async fetch(input, init) {
      const response = await harness.app.request(new Request(input, init));
      if (lost++ === 0) throw new TypeError('network connection lost');
      return response;
    },
  });
  let replayed = false;
  const { task } = await client.predict({ text: 'hello' }, { onAnswer: (facts) => void ({ replayed } = facts) });
  expect([task, replayed, await balance()]).toEqual(['sst2', true, 10_000 - ANSWER_PRICE]);
});

test('a stream whose connection breaks is taken up again: each answer comes once, and is charged once', async () => {
  let stuck = true;
  const harness = createPaidHarness({
    origin: (call, _, signal) => (stuck && !call.body.id.endsWith('.0') ? hang(signal) : answer(call)),
  });
  const { key, balance, held } = await harness.customer(10_000);
  let broken = 0;
  const client = createClient({
    url: 'http://edge.test',
    key,
    random: () => 0.001,
    async fetch(input, init) {
      const given = new AbortController();
      const response = await harness.app.request(new Request(input, { ...init, signal: given.signal }));
      if (broken++ > 0 || response.body === null) return response;
      // The connection breaks after the first line.
      const reader = response.body.getReader();
      const body = new ReadableStream({
        async pull(controller) {
          if (stuck) {
            controller.enqueue((await reader.read()).value);
            stuck = false;
            return;
          }
          given.abort();
          controller.error(new TypeError('network connection lost'));
        },
      });
      return new Response(body, response);
    },
  });
  const lines: PredictLine[] = [];
  for await (const line of client.predictStream([{ text: 'a' }, { text: 'b' }, { text: 'c' }])) lines.push(line);
  expect(lines.map((line) => ('index' in line ? line.index : 'summary'))).toEqual([0, 1, 2, 'summary']);
  expect(lines.at(-1)).toMatchObject({ summary: { answers: 3, cancelled: 0, charge: { micros: 3 * ANSWER_PRICE } } });
  expect([await balance(), await held()]).toEqual([10_000 - 3 * ANSWER_PRICE, 0]);
});

test('tells what stands in its way', async () => {
  const { client } = await createCustomer();
  const error = await client.predict({ text: 'a', task: 'nobody' }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 404, code: 'not_found', param: 'task', attempts: 1 });
});
