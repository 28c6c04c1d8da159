import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createByteLru } from '../../src/core/byte-lru.ts';

test('keeps what was asked for last, until its time is over', () => {
  const lru = createByteLru<string>(10);
  lru.set('a', 'A', 4, 100);
  lru.set('b', 'B', 4, 100);
  expect(lru.get('a', 0)).toBe('A');
  lru.set('c', 'C', 4, 100);
  expect(['a', 'b', 'c'].map((key) => lru.get(key, 99))).toEqual(['A', undefined, 'C']);
  expect(lru.get('a', 100)).toBeUndefined();
  lru.set('d', 'D', 11, 100);
  expect(lru.get('d', 0)).toBeUndefined();
});

test('property: it never holds more bytes than it may, and replacing a value is no growth', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), bytes: fc.integer({ min: 1, max: 60 }), read: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lru = createByteLru<number>(100);
      for (const { key, bytes, read } of steps) {
        if (read) lru.get(key, 0);
        else lru.set(key, bytes, bytes, 1);
        const held = ['a', 'b', 'c', 'd', 'e'].map((name) => lru.get(name, 0) ?? 0);
        expect(held.reduce((a, b) => a + b)).toBeLessThanOrEqual(100);
        if (!read) expect(lru.get(key, 0)).toBe(bytes);
      }
    }),
    { seed: 1 },
  );
});
