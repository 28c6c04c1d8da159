import { expect, test } from 'vitest';
import { expectFinite } from '../../src/core/assert-finite.ts';
import { floatTensor } from '../../src/core/tensor.ts';

test('gives a finite tensor back', () => {
  const tensor = floatTensor([2, 2], Float32Array.of(0, -0, 3.4e38, 1e-45));
  expect(expectFinite(tensor, 'w')).toBe(tensor);
});

test.each([
  [NaN, 'w: expected finite values, got NaN at [1, 0, 2]'],
  [Infinity, 'w: expected finite values, got Infinity at [1, 0, 2]'],
  [-Infinity, 'w: expected finite values, got -Infinity at [1, 0, 2]'],
])('names %d and its index', (value, message) => {
  const data = new Float32Array(12);
  data[8] = value;
  expect(() => expectFinite(floatTensor([2, 2, 3], data), 'w')).toThrow(expect.objectContaining({ code: 'format', message }));
});
