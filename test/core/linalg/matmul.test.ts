import { describe, expect, test } from 'vitest';
import { matmulPlain } from '../../../src/core/linalg/matmul.ts';
import { gaussian, worstDifference } from './matrices.ts';

describe('matmulPlain', () => {
  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('op(a) · op(b) with transposes %s, %s is the sum of products', async (transposeA, transposeB) => {
    const [m, k, n] = [5, 7, 6];
    const a = gaussian(transposeA ? k : m, transposeA ? m : k, 1);
    const b = gaussian(transposeB ? n : k, transposeB ? k : n, 2);
    const product = await matmulPlain(a, b, transposeA, transposeB);
    const expected = Array.from({ length: m * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let x = 0; x < k; x++) sum += a.data[transposeA ? x * m + i : i * k + x] * b.data[transposeB ? j * k + x : x * n + j];
      return sum;
    });
    expect([product.rows, product.cols]).toEqual([m, n]);
    expect(worstDifference(product.data, expected)).toBeLessThan(1e-6);
  });

  test('unequal inner extents are refused', async () => {
    await expect(matmulPlain(gaussian(2, 3, 1), gaussian(4, 2, 2))).rejects.toMatchObject({ code: 'shape' });
  });
});
