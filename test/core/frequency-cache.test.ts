import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFrequencyCache } from '../../src/core/frequency-cache.ts';

test('a scan of things that are asked for once takes no place from those that are asked for all the time', () => {
  const cache = createFrequencyCache<number>(100);
  const ask = (key: string): boolean => {
    const known = cache.get(key) !== undefined;
    if (!known) cache.set(key, 1, 1);
    return known;
  };
  for (let round = 0; round < 5; round++) for (let i = 0; i < 80; i++) ask(`hot${i}`);
  let misses = 0;
  for (let i = 0; i < 2000; i++) {
    ask(`rare${i}`);
    if (!ask(`hot${i % 80}`)) misses++;
  }
  expect(misses).toBe(0);
});

test('what becomes hot gets in, and what was hot gives way', () => {
  const cache = createFrequencyCache<number>(10);
  const ask = (key: string): void => {
    if (cache.get(key) === undefined) cache.set(key, 1, 1);
  };
  for (let round = 0; round < 20; round++) for (let i = 0; i < 10; i++) ask(`old${i}`);
  for (let round = 0; round < 400; round++) for (let i = 0; i < 10; i++) ask(`new${i}`);
  const kept = Array.from({ length: 10 }, (_, i) => cache.get(`new${i}`)).filter((value) => value !== undefined);
  expect(kept.length).toBeGreaterThanOrEqual(8);
});

test('never more than its bytes, and the newest is there as long as it fits', () => {
  const action = fc.record({ key: fc.integer({ min: 0, max: 20 }), bytes: fc.integer({ min: 1, max: 60 }), drop: fc.boolean() });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), fc.integer({ min: 1, max: 100 }), (actions, limit) => {
      const cache = createFrequencyCache<number>(limit);
      const sizes = new Map<string, number>();
      for (const { key, bytes, drop } of actions) {
        const name = String(key);
        if (drop) {
          cache.delete(name);
          expect(cache.get(name)).toBeUndefined();
          continue;
        }
        cache.set(name, bytes, bytes);
        sizes.set(name, bytes);
        expect(cache.get(name)).toBe(bytes <= limit ? bytes : undefined);
        const held = [...sizes.keys()].flatMap((each) => cache.get(each) ?? []);
        expect(cache.counts()).toMatchObject({ size: held.length, bytes: held.reduce((sum, one) => sum + one, 0) });
        expect(cache.counts().bytes).toBeLessThanOrEqual(limit);
      }
    }),
    { seed: 7 },
  );
});

test('what was cleared is gone', () => {
  const cache = createFrequencyCache<number>(10);
  cache.set('a', 1, 1);
  cache.clear();
  expect(cache.get('a')).toBeUndefined();
  expect(cache.counts()).toMatchObject({ size: 0, bytes: 0 });
});
