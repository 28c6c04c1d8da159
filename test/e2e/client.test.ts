// The client against the Worker in workerd: real sockets, so that a reader who hangs up is one.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunningEdge } from '../../src/cli/dev/start-edge.ts';
import { ApiError, createClient, type AnswerFacts, type Client } from '../../src/client/index.ts';
import { adminOf, openCustomer } from '../helpers/customer.ts';
import { startTinyDeployment, type Hop, type TinyDeployment } from '../helpers/tiny-deployment.ts';
import { tinyText } from '../helpers/tiny-pack.ts';

const ROOT = 'a root secret for this test, long enough';
const PRICES = { answer: { request: 100 } };
const CREDIT = 1e6;
/** Texts that begin so are never answered. */
const STUCK = 'stuck';

let deployment: TinyDeployment;
let edge: RunningEdge;
let givenUp = 0;

/** Some texts are never answered. */
const pass: Hop = async (body, response, passOn) => {
  if (body.includes(`"${STUCK}`)) response.on('close', () => void (givenUp += 1));
  else await passOn();
};

beforeAll(async () => {
  deployment = await startTinyDeployment(pass);
  edge = await deployment.startEdge({ ADMIN_SECRET: ROOT, PRICES: JSON.stringify(PRICES) });
});

afterAll(async () => {
  await edge.close();
  await deployment.close();
});

const admin = adminOf(() => edge.url, ROOT);

/** A client with an account of its own. */
async function customer(): Promise<Client> {
  const { key } = await openCustomer(admin, CREDIT, ['predict', 'route', 'feedback', 'admin-read'], { requests_per_minute: 1000 });
  return createClient({ url: edge.url, key });
}

const texts = (count: number) => Array.from({ length: count }, (_, i) => ({ text: tinyText('birds', i), task: 'birds' }));

test('every operation, as an account', async () => {
  const client = await customer();
  let facts: AnswerFacts | undefined;
  const answer = await client.predict(texts(1)[0], { onAnswer: (given) => void (facts = given) });
  expect(answer.task).toBe('birds');
  expect(facts).toMatchObject({ attempts: 1, usage: { micros: 100, balanceMicros: CREDIT - 100 }, rate: { limit: 1000, remaining: 999 } });
  expect((await client.predictBatch(texts(3))).predictions).toHaveLength(3);
  expect((await client.route({ text: 'a' })).scores.length).toBeGreaterThan(0);
  const { configs } = await client.configs();
  expect((await client.experts(configs[0].config)).experts.map(({ name }) => name)).toContain('birds');
  expect((await client.usage()).balance_micros).toBe(CREDIT - 400);
  expect((await client.statement({ limit: 1 })).lines).toHaveLength(1);
  expect((await client.prices()).answer.request).toBe(100);
  expect((await client.experiments()).experiments).toEqual([]);
  await expect(client.experiment('none')).rejects.toMatchObject({ status: 404 });
  await expect(client.feedback({ request_id: answer.id, outcome: 1 }, { retries: 0 })).rejects.toBeInstanceOf(ApiError);
});

test('one name is one charge', async () => {
  const client = await customer();
  const named = { idempotencyKey: 'order-1' };
  const first = await client.predict(texts(1)[0], named);
  let replayed = false;
  const again = await client.predict(texts(1)[0], { ...named, onAnswer: (facts) => void ({ replayed } = facts) });
  expect([again, replayed]).toEqual([first, true]);
  expect((await client.usage()).balance_micros).toBe(CREDIT - 100);
});

describe('a stream', () => {
  test('answers all inputs and is charged once', async () => {
    const client = await customer();
    const places = new Set<number>();
    for await (const line of client.predictStream(texts(40))) {
      if ('index' in line) places.add(line.index);
      else expect(line.summary).toMatchObject({ answers: 40, failures: 0, charge: { micros: 4000 } });
    }
    expect(places.size).toBe(40);
    expect(await client.usage()).toMatchObject({ balance_micros: CREDIT - 4000, held_micros: 0 });
  });

  test('that its reader leaves is charged for what was handed over, within a moment; its requests to origins end', async () => {
    const client = await customer();
    givenUp = 0;
    const stuck = Array.from({ length: 6 }, (_, i) => ({ text: `${STUCK} ${i}`, task: 'birds' }));
    let lines = 0;
    for await (const line of client.predictStream([...texts(3), ...stuck], { timeoutMs: 9_000 })) {
      expect(line).toHaveProperty('prediction');
      lines += 1;
      if (lines === 3) break;
    }
    await vi.waitFor(async () => expect(await client.usage()).toMatchObject({ balance_micros: CREDIT - 300, held_micros: 0 }), {
      timeout: 5_000,
    });
    await vi.waitFor(() => expect(givenUp).toBe(6));
    const { lines: entries } = await client.statement();
    expect(entries).toMatchObject([{ state: 'settled', charged_micros: 300, usage: { answers: 3 } }]);
  });
});
