import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeMixKey, mixKey } from '../../src/core/mix-key.ts';

test('one key for one mix, exactly: a mix that is not on the grid has none', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 256 }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 0, max: 256 }), { minLength: 1, maxLength: 12 }),
      (a, b) => {
        const [first, second] = [a, b].map((steps) => Float32Array.from(steps, (step) => step / 256));
        const trimmed = (steps: readonly number[]): string => steps.join(' ').replace(/( 0)*$/, '');
        expect(mixKey(first) === mixKey(second)).toBe(trimmed(a) === trimmed(b));
      },
    ),
    { seed: 1 },
  );
  expect(mixKey(Float32Array.of(0.1, 0.9))).toBeUndefined();
  expect(mixKey(Float32Array.of(0, 1))).toBe(mixKey(Float32Array.of(0, 1, 0)));
});

test('keys in words', () => {
  expect(describeMixKey(mixKey(Float32Array.of(0.5, 0, 0.25)) ?? '', ['cola', 'sst2', 'trec'])).toBe('cola 0.5 + trec 0.25');
  expect(describeMixKey(mixKey(new Float32Array(3)) ?? '', ['cola', 'sst2', 'trec'])).toBe('of the shared model alone');
});
