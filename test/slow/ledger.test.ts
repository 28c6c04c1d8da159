// A million requests through the pure ledger, while callers retry, memory is lost, the store fails and deliveries go astray.

import { expect, test } from 'vitest';
import type { Limits } from '../../src/core/ledger/limits.ts';
import { createRandom } from '../../src/core/random.ts';
import { createWorld, type Step } from '../core/ledger/world.ts';

const REQUESTS = 1_000_000;
const LIMITS: readonly Limits[] = [
  { requestsPerMinute: 400, keySpend: { micros: 400_000, period: 'day' }, accountSpend: undefined },
  { requestsPerMinute: undefined, keySpend: undefined, accountSpend: undefined },
];

test('a million requests: none lost, none charged twice, no balance below zero, all books agree', async () => {
  const random = createRandom(11, 'a million requests');
  const world = createWorld(LIMITS);
  let credits = 0;
  const draw = (): Step => {
    const kind = random.below(1000);
    if (kind < 480) {
      const name = random.below(3) === 0 ? random.below(2_000_000) : random.below(4) === 0 ? random.below(50) : undefined;
      return { kind: 'open', key: random.below(2), name, body: random.below(20) === 0 ? 1 : 0, micros: random.below(300) };
    }
    if (kind < 830) return { kind: 'settle', pick: random.below(8), micros: random.below(400) };
    if (kind < 900) return { kind: 'release', pick: random.below(8) };
    if (kind < 980) return { kind: 'wait', ms: random.below(50) === 0 ? random.below(4_000_000) : random.below(2_000) };
    if (kind < 990) return { kind: 'sweep' };
    if (kind < 995) return { kind: 'credit', id: random.below(10) === 0 ? 0 : credits++, micros: 1 + random.below(20_000) };
    return { kind: 'publish', fate: (['once', 'once', 'twice', 'unacknowledged', 'lost'] as const)[random.below(5)] ?? 'once' };
  };
  let steps = 0;
  let crashes = 0;
  while (world.requests() < REQUESTS) {
    steps += 1;
    if (steps % 4_999 === 0) {
      world.step({ kind: 'crash' });
      crashes += 1;
    }
    if (random.below(200) === 0) world.stepWithFailure(draw(), random.below(3));
    else world.step(draw());
  }
  const { requests, charged, findings, rows } = await world.end();
  console.log(
    `${requests} requests in ${steps} steps, ${crashes} crashes; ${charged} micro-units charged; ${(rows / requests).toFixed(2)} rows written a request`,
  );
  expect(findings).toEqual([]);
  expect(rows / requests).toBeLessThan(3);
});
