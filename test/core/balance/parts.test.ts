import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEjection, isOutlier, mayTakeOut } from '../../../src/core/balance/ejection.ts';
import { createLatencies } from '../../../src/core/balance/latencies.ts';
import { createLeases } from '../../../src/core/balance/leases.ts';
import { answerOdds } from '../../../src/core/balance/odds.ts';
import { createOutcomeWindow } from '../../../src/core/balance/outcome-window.ts';
import { createPeakEwma } from '../../../src/core/balance/peak-ewma.ts';
import { powerOfTwo } from '../../../src/core/balance/power-of-two.ts';
import { createRetryBudget } from '../../../src/core/balance/retry-budget.ts';
import { createRandom } from '../../../src/core/random.ts';

describe('leases', () => {
  test('end when given back, once, or by themselves', () => {
    const leases = createLeases();
    const first = leases.take(0, 100);
    leases.take(50, 200);
    expect(leases.count(60)).toBe(2);
    expect(leases.ageMs(60)).toBe(60);
    first();
    first();
    expect(leases.count(60)).toBe(1);
    expect(leases.ageMs(60)).toBe(10);
    expect(leases.count(199)).toBe(1);
    expect(leases.count(200)).toBe(0);
    expect(leases.ageMs(200)).toBe(0);
  });
});

describe('peak EWMA', () => {
  test('jumps up, comes down by 1/e in ten seconds, and drifts to the prior without answers', () => {
    const ewma = createPeakEwma();
    expect(ewma.estimate(0, 42)).toBe(42);
    ewma.observe(20, 0);
    ewma.observe(200, 0);
    expect(ewma.estimate(0, 10)).toBe(200);
    ewma.observe(20, 10_000);
    expect(ewma.estimate(10_000, 10)).toBeCloseTo(20 + 180 / Math.E, 9);
    expect(ewma.estimate(200_000, 10)).toBeCloseTo(10, 3);
  });

  test('an answer that was given up tells that it was not fast, and is believed to have taken twice as long', () => {
    const ewma = createPeakEwma();
    ewma.observe(50, 0);
    ewma.observeAtLeast(20, 0);
    expect(ewma.estimate(0, 10)).toBe(50);
    ewma.observeAtLeast(80, 0);
    expect(ewma.estimate(0, 10)).toBe(160);
  });
});

describe('outcome window', () => {
  test('forgets what is older than ten seconds', () => {
    const window = createOutcomeWindow();
    window.add(true, 0);
    window.add(false, 5_000);
    expect(window.count(9_999)).toEqual({ good: 1, bad: 1 });
    expect(window.count(10_000)).toEqual({ good: 0, bad: 1 });
    window.add(true, 25_000);
    expect(window.count(25_000)).toEqual({ good: 1, bad: 0 });
    window.clear();
    expect(window.count(25_000)).toEqual({ good: 0, bad: 0 });
  });
});

describe('odds of an answer', () => {
  test('a failure at an endpoint that answers others speaks of the request', () => {
    const well = { good: 100, bad: 1 };
    expect(answerOdds({ good: 100, bad: 0 }, 0)).toBe(answerOdds({ good: 0, bad: 0 }, 0));
    expect(answerOdds(well, 1)).toBeLessThan(0.2);
    expect(answerOdds({ good: 100, bad: 2 }, 2)).toBeLessThan(0.01);
  });

  test('a failure at one that fails half of all is worth another try, and seven are not', () => {
    const flaky = { good: 50, bad: 50 };
    expect(answerOdds(flaky, 1)).toBeGreaterThan(0.5);
    expect(answerOdds(flaky, 4)).toBeGreaterThan(0.4);
    expect(answerOdds(flaky, 9)).toBeLessThan(0.1);
  });

  test('property: it is a chance, and falls with every failure of the request', () => {
    fc.assert(
      fc.property(fc.nat({ max: 500 }), fc.nat({ max: 500 }), fc.nat({ max: 10 }), (good, bad, failures) => {
        const odds = answerOdds({ good, bad: bad + 11 }, failures);
        expect(odds).toBeGreaterThan(0);
        expect(odds).toBeLessThan(1);
      }),
      { seed: 1 },
    );
  });
});

describe('ejection', () => {
  test('needs twenty answers and a fifth of failures', () => {
    expect(isOutlier({ good: 0, bad: 19 })).toBe(false);
    expect(isOutlier({ good: 16, bad: 4 })).toBe(true);
    expect(isOutlier({ good: 81, bad: 19 })).toBe(false);
  });

  test('grows with every time, is capped, and starts anew after good conduct', () => {
    const ejection = createEjection();
    let nowMs = 0;
    const times: number[] = [];
    for (let i = 0; i < 12; i++) {
      ejection.eject(nowMs);
      times.push(ejection.waitMs(nowMs) / 1000);
      nowMs += ejection.waitMs(nowMs);
    }
    expect(times).toEqual([30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
    ejection.eject(nowMs + 300_001);
    expect(ejection.waitMs(nowMs + 300_001)).toBe(30_000);
  });

  test('property: whatever is taken out one by one, at least half of those that hold an expert stay', () => {
    const holdings = fc.oneof(fc.constant('*' as const), fc.subarray(['a', 'b', 'c'], { minLength: 1 }));
    fc.assert(
      fc.property(fc.array(holdings, { minLength: 1, maxLength: 8 }), fc.array(fc.nat({ max: 7 }), { maxLength: 30 }), (held, order) => {
        const endpoints = held.map((experts, i) => ({ id: `e${i}`, experts }));
        const out = new Set<string>();
        for (const i of order) {
          const endpoint = endpoints[i % endpoints.length];
          if (!out.has(endpoint.id) && mayTakeOut(endpoint, endpoints, (id) => out.has(id))) out.add(endpoint.id);
        }
        for (const expert of ['a', 'b', 'c', 'other']) {
          const holders = endpoints.filter(({ experts }) => experts === '*' || experts.includes(expert));
          expect(2 * holders.filter(({ id }) => out.has(id)).length).toBeLessThanOrEqual(holders.length);
        }
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  test('endpoints of another config are no replacement', () => {
    const endpoints = [
      { id: 'a', experts: '*' as const, configs: ['1'] },
      { id: 'b', experts: '*' as const, configs: ['2'] },
      { id: 'c', experts: '*' as const, configs: ['2', '3'] },
    ];
    expect(endpoints.map((endpoint) => mayTakeOut(endpoint, endpoints, () => false))).toEqual([false, true, false]);
  });
});

describe('power of two choices', () => {
  const costs: Readonly<Record<string, number>> = { a: 1, b: 2, c: 3 };

  test('never takes the dearest of three, and takes the cheapest in two cases of three', () => {
    const random = createRandom(3);
    const taken = Array.from({ length: 3000 }, () => powerOfTwo(['a', 'b', 'c'], (name) => costs[name], random.uniform));
    expect(taken.filter((name) => name === 'c')).toHaveLength(0);
    expect(taken.filter((name) => name === 'a').length / 3000).toBeCloseTo(2 / 3, 1);
  });

  test('equals share alike; one candidate needs no second', () => {
    const random = createRandom(4);
    const taken = Array.from({ length: 3000 }, () => powerOfTwo(['a', 'b', 'c'], () => 1, random.uniform));
    for (const name of ['a', 'b', 'c']) expect(taken.filter((other) => other === name).length / 3000).toBeCloseTo(1 / 3, 1);
    expect(powerOfTwo(['a'], () => 1, random.uniform)).toBe('a');
  });
});

describe('latencies', () => {
  test('a quantile needs twenty answers and looks at the last 128', () => {
    const latencies = createLatencies();
    for (let i = 1; i < 20; i++) latencies.add(i);
    expect(latencies.quantile(0.95)).toBeUndefined();
    latencies.add(20);
    expect(latencies.quantile(0.95)).toBe(19);
    for (let i = 0; i < 128; i++) latencies.add(1000);
    expect(latencies.quantile(0.01)).toBe(1000);
  });
});

describe('retry budget', () => {
  test('property: retries under way never exceed the share or the minimum, whatever the order of events', () => {
    const event = fc.constantFrom('enter', 'leave', 'take', 'give');
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), fc.nat({ max: 3 }), (events, minimum) => {
        const budget = createRetryBudget({ share: 0.2, minimum });
        const requests: (() => void)[] = [];
        const retries: (() => void)[] = [];
        for (const name of events) {
          if (name === 'enter') requests.push(budget.enter(0, 1000));
          if (name === 'leave') requests.pop()?.();
          if (name === 'give') retries.pop()?.();
          if (name !== 'take') continue;
          const before = retries.length;
          const release = budget.take(0, 1000);
          expect(release !== undefined).toBe(before < Math.max(minimum, Math.floor(0.2 * requests.length)));
          if (release !== undefined) retries.push(release);
        }
      }),
      { seed: 5 },
    );
  });
});
