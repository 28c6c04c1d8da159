// The fleet under simulated load: a loop over virtual time in which endpoints answer after their latency, slowly, or with failures.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFleet } from '../../../src/core/balance/fleet.ts';
import type { Outcome } from '../../../src/core/balance/member.ts';
import { powerOfTwo } from '../../../src/core/balance/power-of-two.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';

const all = (id: string, region?: string) => ({ id, experts: '*' as const, region });

/** How an endpoint behaves. */
interface Behaviour {
  readonly latencyMs: number;
  /** What becomes of a request. */
  readonly outcome: (random: Random) => Outcome;
}
const good: Behaviour = { latencyMs: 20, outcome: () => 'good' };
const dead: Behaviour = { latencyMs: 1, outcome: () => 'down' };
const slow: Behaviour = { latencyMs: 200, outcome: () => 'good' };
const hung: Behaviour = { latencyMs: 1_000_000, outcome: () => 'good' };
const flaky: Behaviour = { latencyMs: 20, outcome: (random) => (random.uniform() < 0.5 ? 'doubtful' : 'good') };

/** Sends `rate` requests a second for `seconds` and counts where they went; no retries. */
function simulate(behaviours: Readonly<Record<string, Behaviour>>, rate: number, seconds: number, seed: number): Record<string, number> {
  const random = createRandom(seed, 'fleet');
  const ids = Object.keys(behaviours);
  const fleet = createFleet(
    ids.map((id) => all(id)),
    1000,
  );
  const sent: Record<string, number> = Object.fromEntries(ids.map((id) => [id, 0]));
  let running: { endMs: number; end: () => void }[] = [];
  for (let i = 0; i < rate * seconds; i++) {
    const nowMs = (i * 1000) / rate;
    for (const { end } of running.filter(({ endMs }) => endMs <= nowMs)) end();
    running = running.filter(({ endMs }) => endMs > nowMs);
    const up = ids.filter((id) => fleet.of(id).state(nowMs) === 'up');
    if (up.length === 0) continue;
    const id = powerOfTwo(up, (name) => fleet.of(name).cost(nowMs, { regions: [], failures: 0 }), random.uniform);
    sent[id] += 1;
    const { latencyMs, outcome } = behaviours[id];
    const settle = fleet.of(id).begin(nowMs, nowMs + 60_000);
    const endMs = nowMs + latencyMs * (0.8 + 0.4 * random.uniform());
    running.push({ endMs, end: () => settle(outcome(random), endMs) });
  }
  return sent;
}

const seeds = fc.integer({ min: 0, max: 1_000_000 });
const share = (sent: Record<string, number>, id: string): number => sent[id] / Object.values(sent).reduce((a, b) => a + b);

describe('property: shares of traffic over a minute at 100 requests a second', () => {
  test.each([
    ['a dead endpoint gets less than 0.3 %', dead, 0.003],
    ['one that hangs gets less than 0.3 %, though nothing is ever heard of it', hung, 0.003],
    ['one that is ten times slower gets less than 1 %', slow, 0.01],
    ['one that fails half of its requests gets less than 2 %', flaky, 0.02],
  ])('%s', (_, bad, most) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(share(simulate({ bad, b: good, c: good }, 100, 60, seed), 'bad')).toBeLessThan(most);
      }),
      { seed: 1, numRuns: 10 },
    );
  });

  test('equal endpoints get between 20 % and 47 % each', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const sent = simulate({ a: good, b: good, c: good }, 100, 60, seed);
        for (const id of ['a', 'b', 'c']) {
          expect(share(sent, id)).toBeGreaterThan(0.2);
          expect(share(sent, id)).toBeLessThan(0.47);
        }
      }),
      { seed: 2, numRuns: 10 },
    );
  });

  test('one that fails at once attracts nobody by being fast, even where it may not be taken out', () => {
    const failing: Behaviour = { latencyMs: 1, outcome: () => 'doubtful' };
    expect(share(simulate({ dead, failing, good }, 100, 60, 5), 'failing')).toBeLessThan(0.03);
  });

  test('of a dead, a slow and a flaky one, at least two stay in use and the flaky one is not taken out beside the dead one', () => {
    const sent = simulate({ dead, slow, flaky }, 100, 60, 7);
    expect(share(sent, 'dead')).toBeLessThan(0.003);
    expect(share(sent, 'flaky')).toBeGreaterThan(0.9);
  });
});

describe('an endpoint', () => {
  const asker = { regions: [], failures: 0 };

  test('that is near is asked first until latencies are known, and then the faster one', () => {
    const fleet = createFleet([all('eu', 'EU'), all('us', 'NA'), all('any')], 8);
    const cost = (id: string): number => fleet.of(id).cost(0, { ...asker, regions: ['EU', 'FRA'] });
    expect(cost('eu')).toBeLessThan(cost('us'));
    expect(cost('any')).toBe(cost('eu'));
    fleet.of('eu').begin(0, 1000)('good', 500);
    fleet.of('us').begin(0, 1000)('good', 30);
    expect(cost('us')).toBeLessThan(cost('eu'));
  });

  test('is full at its limit, and what never ended is forgotten', () => {
    const fleet = createFleet([all('a')], 2);
    fleet.of('a').begin(0, 1000);
    const end = fleet.of('a').begin(0, 1000);
    expect(fleet.of('a').state(0)).toBe('full');
    end('good', 10);
    end('down', 10);
    expect(fleet.of('a').figures(10)).toMatchObject({ state: 'up', inFlight: 1, failureShare: 0 });
    expect(fleet.of('a').figures(1000).inFlight).toBe(0);
  });

  test('that fails a fifth of its requests is ejected and comes back with a clean slate', () => {
    const fleet = createFleet([all('a'), all('b')], 100);
    const member = fleet.of('a');
    for (let i = 0; i < 30; i++) member.begin(i, 1000)(i % 3 === 0 ? 'doubtful' : 'good', i + 1);
    expect(member.state(30)).toBe('ejected');
    expect(member.waitMs(30)).toBeGreaterThan(29_000);
    expect(member.state(31_000)).toBe('up');
    expect(member.figures(31_000).failureShare).toBe(0);
  });

  test('that stands alone is never taken out on suspicion', () => {
    const fleet = createFleet([all('a')], 100);
    for (let i = 0; i < 100; i++) fleet.of('a').begin(i, 1000)('doubtful', i);
    expect(fleet.of('a').state(100)).toBe('up');
    fleet.of('a').begin(100, 1000)('down', 100);
    expect(fleet.of('a').state(100)).toBe('open');
  });

  test('that nobody named is a defect', () => {
    expect(() => createFleet([all('a')], 1).of('b')).toThrow('expected one of a, got b');
  });
});
