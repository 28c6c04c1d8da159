import { expect, test } from 'vitest';
import { mixEntropy } from '../../../src/origin/observe/mix-entropy.ts';

const row = (...mix: number[]) => ({ ids: Int32Array.of(1), mix: Float32Array.from(mix) });

test.each([
  ['rows of one expert', [row(1, 0), row(1, 0)], 0],
  ['no weights at all', [row(0, 0)], 0],
  ['no rows', [], 0],
  ['two experts alike', [row(1, 0), row(0, 1)], 1],
  ['half an expert, half the shared model', [row(0.5, 0)], 1],
  ['four things alike', [row(0.25, 0.25, 0.25)], 2],
])('%s', (_, rows, bits) => {
  expect(mixEntropy(rows)).toBeCloseTo(bits, 5);
});
