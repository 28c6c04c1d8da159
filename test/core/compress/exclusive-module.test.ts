import { describe, expect, test } from 'vitest';
import { compressDelta } from '../../../src/core/compress/exclusive-module.ts';
import { dequantise } from '../../../src/core/compress/quantise.ts';
import { chooseRank } from '../../../src/core/compress/rank.ts';
import { innerDense, innerLowRank } from '../../../src/core/linalg/inner.ts';
import { energyOf, multiply, narrow, widen } from '../../../src/core/linalg/kernels.ts';
import { denseSum, lowRankSvd, stackFactors } from '../../../src/core/linalg/low-rank-svd.ts';
import type { Matrix } from '../../../src/core/linalg/matrix.ts';
import { truncatedSvd } from '../../../src/core/linalg/svd.ts';
import { addScaled } from '../../../src/core/merge/method.ts';
import { gaussian, squaredDistance, withValues, worstDifference } from '../linalg/matrices.ts';

const FORMATS = ['fp32', 'fp16', 'int8', 'int4'] as const;
const delta = narrow(
  withValues(
    40,
    30,
    Array.from({ length: 30 }, (_, i) => 0.7 ** i),
    1,
  ),
);

function compressDense(a: Matrix, rank: number, format: (typeof FORMATS)[number]) {
  return compressDelta(truncatedSvd(a, rank), format, (u, v) => innerDense(a, u, v));
}

function trueError(a: Matrix, stored: ReturnType<typeof compressDelta>): number {
  const product = multiply(widen(dequantise(stored.u)), widen(dequantise(stored.v)));
  return Math.sqrt(squaredDistance(product.data, a.data) / energyOf(a.data));
}

describe('compressDelta', () => {
  test.each(FORMATS)('%s: the stated error is that of the dense difference', (format) => {
    const stored = compressDense(delta, 6, format);
    expect(stored.error).toBeCloseTo(trueError(delta, stored), 7);
    expect(stored.keptEnergy).toBeCloseTo(1 - 0.49 ** 6, 6);
    expect(stored.error).toBeGreaterThanOrEqual(Math.sqrt(1 - stored.keptEnergy) - 1e-7);
  });

  test('fp32 adds nothing to the truncation; int8 little; int4 more', () => {
    const [fp32, fp16, int8, int4] = FORMATS.map((format) => compressDense(delta, 6, format).error);
    expect(fp32).toBeCloseTo(0.7 ** 6, 6);
    expect(fp16).toBeCloseTo(fp32, 5);
    expect(int8).toBeLessThan(fp32 + 0.001);
    expect(int4).toBeGreaterThan(int8);
    expect(int4).toBeLessThan(0.25);
  });

  test.each(FORMATS)('%s: from factors alone as from the dense delta', (format) => {
    const stack = stackFactors([0, 1, 2].map((t) => ({ b: gaussian(40, 4, 10 * t), a: gaussian(4, 30, 10 * t + 1) })));
    const coefficients = [0.7, -0.3, -0.3];
    const stored = compressDelta(lowRankSvd(stack, coefficients, 5), format, (u, v) => innerLowRank(stack, coefficients, u, v));
    expect(stored.error).toBeCloseTo(trueError(denseSum(stack, coefficients), stored), 6);
  });

  test('a zero delta has rank 0 and no error', () => {
    const zero = { rows: 5, cols: 4, data: new Float32Array(20) };
    const svd = truncatedSvd(zero, (values, energy) => chooseRank(values, energy, { rank: 3 }, 5, 4));
    const stored = compressDelta(svd, 'int4', () => 0);
    expect(stored).toMatchObject({ rank: 0, keptEnergy: 1, error: 0, u: { rows: 5, cols: 0 }, v: { rows: 0, cols: 4 } });
  });

  test.each([0.3, 1, -2])('oracle 1: one expert, full rank, λ = %d: shared + module is the expert to rounding', (lambda) => {
    const base = gaussian(20, 16, 7);
    const expert = gaussian(20, 16, 8);
    const tau = expert.data.map((value, i) => value - base.data[i]);
    const shared = addScaled(base.data, [tau], [lambda]);
    const difference = { rows: 20, cols: 16, data: expert.data.map((value, i) => value - shared[i]) };
    const stored = compressDense(difference, 16, 'fp32');
    const product = multiply(widen(dequantise(stored.u)), widen(dequantise(stored.v)));
    expect(
      worstDifference(
        shared.map((value, i) => value + product.data[i]),
        expert.data,
      ),
    ).toBeLessThan(1e-5);
  });
});
