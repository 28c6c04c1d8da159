// What callers see while origins fail, in virtual time: the whole edge before scripted origins of 20 ms, 100 requests a second. The same with
// real sockets and real time is scripts/bench/resilience.bench.ts.

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { ALL, answer, createHarness } from './helpers/harness.ts';

const REQUESTS = 400;
const EVERY_MS = 10;
const SERVICE_MS = 20;

/** How an origin behaves: times slower, share of 500s, or no connection at all. */
interface Fault {
  readonly slower?: number;
  readonly failing?: number;
  readonly dead?: boolean;
}

const DEAD: Fault = { dead: true };
const SLOW: Fault = { slower: 10 };
const FLAKY: Fault = { failing: 0.5 };

let healthy: { goodput: number; p99: number };

beforeAll(async () => {
  vi.useFakeTimers();
  healthy = await simulate([{}, {}, {}]);
});
afterAll(() => void vi.useRealTimers());

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Share of good answers, and the 99th percentile of their times, after `unmeasured` other requests. */
async function simulate(faults: readonly Fault[], unmeasured = 0): Promise<{ goodput: number; p99: number }> {
  const random = createRandom(11, 'outage');
  const { post } = createHarness({
    endpoints: faults.map((_, i) => ({ ...ALL, id: `origin-${i}`, url: `http://origin-${i}.test` })),
    uniform: random.uniform,
    async origin(call) {
      const { slower = 1, failing = 0, dead = false } = faults[Number(/origin-(\d)/.exec(call.url)?.[1])];
      if (dead) throw new TypeError('connection refused');
      await sleep(1);
      if (random.uniform() < failing) return Response.json({ error: 'injected' }, { status: 500 });
      await sleep(SERVICE_MS * slower * (0.8 + 0.4 * random.uniform()));
      return answer(call);
    },
  });
  const times: number[] = [];
  const running: Promise<unknown>[] = [];
  for (let i = -unmeasured; i < REQUESTS; i++) {
    const startMs = Date.now();
    const asked = post('/v1/predict', { text: 'a', task: 'sst2' }).then(({ status }) => {
      if (status === 200 && i >= 0) times.push(Date.now() - startMs);
      return undefined;
    });
    running.push(asked);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
  }
  await vi.advanceTimersByTimeAsync(5_000);
  await Promise.all(running);
  times.sort((a, b) => a - b);
  return { goodput: times.length / REQUESTS, p99: times[Math.ceil(0.99 * times.length) - 1] };
}

test.each<[string, readonly Fault[]]>([
  ['one of three dead', [DEAD, {}, {}]],
  ['one ten times slower', [SLOW, {}, {}]],
  ['one answering half of its requests with 500', [FLAKY, {}, {}]],
])('%s: goodput is at least 99 %%, and p99 at most twice that of a healthy fleet', async (_, faults) => {
  const { goodput, p99 } = await simulate(faults);
  expect(healthy.goodput).toBe(1);
  expect(goodput).toBeGreaterThanOrEqual(0.99);
  expect(p99).toBeLessThanOrEqual(2 * healthy.p99);
});

// To notice takes a dozen requests of the first hundred, and one in 2,000 fails eleven times in a row.
test('all of it at once, nobody left who is well: the same, once it is noticed who answers soonest', async () => {
  const { goodput, p99 } = await simulate([DEAD, SLOW, FLAKY], 100);
  expect(goodput).toBeGreaterThanOrEqual(0.99);
  expect(p99).toBeLessThanOrEqual(2 * healthy.p99);
});
