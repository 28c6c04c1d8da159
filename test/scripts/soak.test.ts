// The verdict of a soak: a leak is found under noise and jumps, and noise is not taken for one.

import { describe, expect, test } from 'vitest';
import { trendOf } from '../../scripts/soak/trend.ts';
import { judge } from '../../scripts/soak/verdict.ts';
import { createRandom } from '../../src/core/random.ts';

const MB = 2 ** 20;
const DURATION_MS = 30 * 60_000;

/** A process looked at each second: noise, a step of 40 MB half way through the warm-up, and so many megabytes more an hour. */
function samples(mbAnHour: number, seed: number) {
  const random = createRandom(seed);
  return Array.from({ length: DURATION_MS / 1000 }, (_, second) => {
    const rss = (400 + (second > 300 ? 40 : 0) + (mbAnHour * second) / 3600 + 8 * random.normal()) * MB;
    return { at: second * 1000, rss, heap: 40 * MB, buffers: 100 * MB, delayMs: 3, handles: 20, edgeRss: 150 * MB };
  });
}

describe('judge', () => {
  test.each([1, 2, 3])('noise is no leak (seed %i)', (seed) => {
    const { verdict, memory } = judge(samples(0, seed), [], DURATION_MS);
    expect(verdict).toEqual({ good: true, because: [] });
    expect(memory.rss.growth.low).toBeLessThan(0);
    expect(memory.rss.growth.high).toBeGreaterThan(0);
  });

  test.each([1, 2, 3])('a leak of 60 MB an hour is one (seed %i)', (seed) => {
    const { verdict, memory } = judge(samples(60, seed), [], DURATION_MS);
    expect(verdict.because).toEqual([expect.stringMatching(/^rss grows by/)]);
    expect(memory.rss.growth.low).toBeLessThan(60);
    expect(memory.rss.growth.high).toBeGreaterThan(60);
  });

  test('complaints and open handles count', () => {
    const growing = samples(0, 1).map((sample, second) => ({ ...sample, handles: 10 + Math.max(0, second - 900) }));
    const { verdict } = judge(growing, ['2 requests failed'], DURATION_MS);
    expect(verdict.because).toEqual(['2 requests failed', expect.stringMatching(/^open handles grow/)]);
  });
});

describe('trend', () => {
  test('is the slope of a line, whatever a few points do', () => {
    const times = Array.from({ length: 20 }, (_, i) => i);
    const values = times.map((time) => (time === 7 ? 1000 : 5 + 2 * time));
    expect(trendOf(times, values)).toMatchObject({ slope: 2, low: 2, high: 2 });
  });

  test('wants three points', () => {
    expect(() => trendOf([1, 2], [1, 2])).toThrow('three points');
  });
});
