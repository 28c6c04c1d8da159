import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutBatches, drawRows } from '../../../src/build/adapt/token-batches.ts';
import type { TokenRow } from '../../../src/model/encoder-feeds.ts';

function row(length: number): TokenRow {
  return { ids: new Int32Array(length), types: new Int32Array(length) };
}

test('batches hold every row once, within the tokens, and a row that is longer alone', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 40 }), fc.integer({ min: 1, max: 200 }), (lengths, tokens) => {
      const rows = lengths.map(row);
      const batches = cutBatches(rows, tokens);
      expect(new Set(batches.flat())).toEqual(new Set(rows));
      expect(batches.flat().length).toBe(rows.length);
      for (const batch of batches) {
        const padded = batch.length * Math.max(...batch.map(({ ids }) => ids.length));
        if (batch.length > 1) expect(padded).toBeLessThanOrEqual(tokens);
      }
    }),
    { seed: 1 },
  );
});

test('draws are shuffled epochs, whatever the size of a step, and a function of step, seed and label', () => {
  const rows = Array.from({ length: 7 }, (_, i) => row(i + 1));
  const lengths = (drawn: readonly TokenRow[]): number[] => drawn.map(({ ids }) => ids.length);
  const stream = (size: number, seed = 1, label = 'a'): number[] =>
    Array.from({ length: Math.ceil(42 / size) }, (_, step) => lengths(drawRows(rows, step, size, seed, label)))
      .flat()
      .slice(0, 42);
  const whole = stream(1);
  for (let epoch = 0; epoch < 6; epoch++)
    expect(whole.slice(epoch * 7, epoch * 7 + 7).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(whole.slice(0, 7)).not.toEqual(whole.slice(7, 14));
  expect(stream(3)).toEqual(whole);
  expect(stream(16)).toEqual(whole);
  expect(stream(1, 2)).not.toEqual(whole);
  expect(stream(1, 1, 'b')).not.toEqual(whole);
});
