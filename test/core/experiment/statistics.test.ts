import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contrastInterval, meanInterval } from '../../../src/core/experiment/intervals.ts';
import { gammaTail, logGamma } from '../../../src/core/experiment/log-gamma.ts';
import { addValues, estimate, type Cell, type Moments } from '../../../src/core/experiment/moments.ts';
import { addToSketch, quantile, type QuantileSketch } from '../../../src/core/experiment/quantile-sketch.ts';
import { sampleRatio } from '../../../src/core/experiment/sample-ratio.ts';
import { createRandom } from '../../../src/core/random.ts';

/** Moments of units' values of metric `m`. */
function momentsOf(units: readonly (readonly number[])[], metric = 'm'): Moments {
  const moments: Record<string, Moments> = {};
  for (const values of units) {
    const cells: Record<string, Cell> = {};
    for (const value of values) addValues(moments, cells, { [metric]: value });
  }
  return moments[metric];
}

test('ln Γ and the gamma tail have their tabulated values', () => {
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 12);
  expect(logGamma(1)).toBeCloseTo(0, 13);
  let factorial = 0;
  for (let n = 2; n <= 100; n++) {
    factorial += Math.log(n);
    expect(logGamma(n + 1) / factorial).toBeCloseTo(1, 12);
  }
  // Quantiles of χ² at 0.05 and 0.001 (any statistics table).
  for (const [degrees, x, p] of [
    [1, 3.841459, 0.05],
    [2, 5.991465, 0.05],
    [9, 16.918978, 0.05],
    [1, 10.827566, 0.001],
    [4, 18.466827, 0.001],
  ])
    expect(gammaTail(degrees / 2, x / 2) / p).toBeCloseTo(1, 5);
});

test('moments that grow request by request are those of the whole', () => {
  const units = fc.array(fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 6 }), {
    minLength: 2,
    maxLength: 20,
  });
  fc.assert(
    fc.property(units, (values) => {
      const sums = values.map((unit) => ({ n: unit.length, x: unit.reduce((sum, value) => sum + value, 0) }));
      const n = sums.reduce((total, unit) => total + unit.n, 0);
      const mean = sums.reduce((total, unit) => total + unit.x, 0) / n;
      const residual = sums.reduce((total, unit) => total + (unit.x - mean * unit.n) ** 2, 0);
      const got = estimate(momentsOf(values));
      expect(got).toMatchObject({ units: values.length, n });
      expect(got.mean).toBeCloseTo(mean, 8);
      expect(got.variance).toBeCloseTo((residual * values.length) / (values.length - 1) / n ** 2, 6);
    }),
    { seed: 2, numRuns: 300 },
  );
});

describe('intervals', () => {
  const random = createRandom(8, 'intervals');
  const alone = (count: number, draw: () => number): number[][] => Array.from({ length: count }, () => [draw()]);

  test('one unit says nothing about a mean, and nothing says nothing', () => {
    expect(meanInterval('confidence', momentsOf([[3, 4, 5]]), 0.05)).toMatchObject({ estimate: 4, low: -Infinity, high: Infinity });
    expect(meanInterval('error', { units: 0, n: 0, x: 0, nn: 0, xx: 0, nx: 0 }, 0.05)).toMatchObject({ low: 0, high: 1 });
  });

  test('a proportion’s lies within [0, 1], holds its estimate, and shrinks', () => {
    let last = 1;
    for (const n of [10, 100, 1000, 10_000]) {
      const hits = n / 10;
      const { estimate: peak, low, high } = meanInterval('error', momentsOf(alone(n, () => 0).map((_, i) => [i < hits ? 1 : 0])), 0.05);
      expect(peak).toBeCloseTo(0.1, 12);
      expect(low).toBeGreaterThan(0);
      expect(low).toBeLessThan(0.1);
      expect(high).toBeGreaterThan(0.1);
      expect(high - low).toBeLessThan(last);
      last = high - low;
    }
    expect(last).toBeLessThan(0.03);
    expect(meanInterval('error', momentsOf(alone(100, () => 0)), 0.05)).toMatchObject({ estimate: 0, low: 0 });
    expect(meanInterval('error', momentsOf(alone(100, () => 1)), 0.05)).toMatchObject({ estimate: 1, high: 1 });
  });

  test('requests that are alike within a unit widen them', () => {
    const spread = momentsOf(Array.from({ length: 1000 }, (_, i) => [i % 10 === 0 ? 1 : 0]));
    const lumped = momentsOf(Array.from({ length: 100 }, (_, i) => Array.from({ length: 10 }, () => (i % 10 === 0 ? 1 : 0))));
    for (const metric of ['error', 'confidence']) {
      const [narrow, wide] = [spread, lumped].map((moments) => meanInterval(metric, moments, 0.05)).map(({ low, high }) => high - low);
      expect(wide).toBeGreaterThan(2 * narrow);
    }
  });

  test.each([
    { metric: 'error', draw: () => (random.uniform() < 0.07 ? 1 : 0), truth: 0.07 },
    { metric: 'confidence', draw: () => random.uniform(), truth: 0.5 },
    // Logarithms of latencies with a long tail, the mean of which is 1.65 and whose geometric mean is 1.
    { metric: 'latency_ms', draw: () => random.normal(), truth: 1 },
  ])('of $metric hold the truth at every look, in 95 % of runs at least', ({ metric, draw, truth }) => {
    let missed = 0;
    for (let run = 0; run < 200; run++) {
      const moments: Record<string, Moments> = {};
      for (let i = 1; i <= 2000; i++) {
        addValues(moments, {}, { [metric]: draw() });
        if (i < 40 || i % 20 !== 0) continue;
        const { low, high } = meanInterval(metric, moments[metric], 0.05);
        if (low <= truth && truth <= high) continue;
        missed += 1;
        break;
      }
    }
    expect(missed).toBeLessThanOrEqual(10);
  });

  test('a contrast turns round with its arms, and its factor scales the control', () => {
    const a = momentsOf(alone(300, () => 10 + random.normal()));
    const b = momentsOf(alone(300, () => 12 + random.normal()));
    const forth = contrastInterval('outcome.sales', b, a, 1, 0.05);
    const back = contrastInterval('outcome.sales', a, b, 1, 0.05);
    expect(forth.low).toBeCloseTo(-back.high, 12);
    expect(forth.low).toBeGreaterThan(1.5);
    const tolerated = contrastInterval('outcome.sales', b, a, 1.25, 0.05);
    expect(tolerated.estimate).toBeCloseTo(12 - 12.5, 0);
    expect(tolerated.high).toBeLessThan(0);
  });

  test('latencies are compared as ratios', () => {
    const [a, b] = [20, 25].map((ms) => momentsOf(alone(1000, () => Math.log(ms) + 0.3 * random.normal())));
    expect(meanInterval('latency_ms', a, 0.05).estimate).toBeCloseTo(20, 0);
    expect(contrastInterval('latency_ms', b, a, 1.1, 0.05).estimate).toBeCloseTo(1.25 - 1.1, 1);
  });
});

describe('sample ratio', () => {
  test('follows the χ² test, and calls a mismatch only on sequential evidence', () => {
    expect(sampleRatio([500, 500], [0.5, 0.5])).toMatchObject({ expected: [500, 500], p_value: 1, mismatch: false });
    // 60 off 5,000 each: χ² = 1.44.
    expect(sampleRatio([5060, 4940], [0.5, 0.5]).p_value).toBeCloseTo(0.2301, 4);
    // One look at 0.001 would call this one: p = 0.0009.
    const doubtful = sampleRatio([5166, 4834], [0.5, 0.5]);
    expect(doubtful.p_value).toBeLessThan(0.001);
    expect(doubtful.mismatch).toBe(false);
    expect(sampleRatio([5400, 4600], [0.5, 0.5]).mismatch).toBe(true);
    expect(sampleRatio([2000, 500, 500], [0.6, 0.2, 0.2]).mismatch).toBe(true);
  });

  test('an arm without weight, or nobody at all, is no mismatch', () => {
    expect(sampleRatio([0, 0], [0.5, 0.5]).mismatch).toBe(false);
    expect(sampleRatio([1000, 0], [1, 0])).toMatchObject({ p_value: 1, mismatch: false });
  });

  test('alarms in one of a thousand experiments at most, however often one looks', () => {
    const random = createRandom(4, 'ratio');
    let alarms = 0;
    for (let run = 0; run < 1000; run++) {
      const counts = [0, 0];
      for (let i = 1; i <= 3000; i++) {
        counts[random.below(2)] += 1;
        if (i % 50 !== 0 || !sampleRatio(counts, [0.5, 0.5]).mismatch) continue;
        alarms += 1;
        break;
      }
    }
    // One is expected; four or more would happen once in fifty times.
    expect(alarms).toBeLessThanOrEqual(3);
  });
});

test('a sketch’s quantiles are within 1 % of the sorted numbers’', () => {
  const random = createRandom(6, 'sketch');
  const sketch: QuantileSketch = {};
  const values = Array.from({ length: 5000 }, () => 20 * Math.exp(random.normal()));
  for (const value of values) addToSketch(sketch, value);
  values.sort((a, b) => a - b);
  for (const q of [0, 0.5, 0.95, 0.99, 1]) expect(quantile(sketch, q) / values[Math.floor(q * 4999)]).toBeCloseTo(1, 1.69);
  expect(quantile({}, 0.5)).toBeNaN();
  addToSketch(sketch, 0);
  addToSketch(sketch, 1e300);
  expect(Object.keys(sketch).length).toBeLessThan(1000);
});
