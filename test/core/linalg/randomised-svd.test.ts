import { describe, expect, test } from 'vitest';
import { chooseRank } from '../../../src/core/compress/rank.ts';
import { energyOf, narrow, widen } from '../../../src/core/linalg/kernels.ts';
import { matmulPlain } from '../../../src/core/linalg/matmul.ts';
import type { MatMul } from '../../../src/core/linalg/matrix.ts';
import { randomisedSvd } from '../../../src/core/linalg/randomised-svd.ts';
import { truncatedSvd } from '../../../src/core/linalg/svd.ts';
import { gaussian, rebuild, squaredDistance, withValues, worstOverlap } from './matrices.ts';

const options = { matmul: matmulPlain, seed: 1 };
const decaying = (m: number, n: number, ratio: number) =>
  narrow(
    withValues(
      m,
      n,
      Array.from({ length: Math.min(m, n) }, (_, i) => ratio ** i),
      5,
    ),
  );

describe('randomisedSvd', () => {
  test.each([
    ['fast decay', decaying(150, 120, 0.8)],
    ['slow decay', decaying(120, 150, 0.97)],
    ['flat (noise)', gaussian(130, 140, 3)],
    ['rank 5', narrow(withValues(140, 130, [5, 4, 3, 2, 1], 9))],
    [
      'repeated values',
      narrow(
        withValues(
          130,
          130,
          Array.from({ length: 130 }, (_, i) => (i < 30 ? 2 : 0.1)),
          11,
        ),
      ),
    ],
  ])('%s: keeps the best energy to the tolerance, and says its true error', async (_, a) => {
    const svd = await randomisedSvd(a, 12, options);
    const best = energyOf(truncatedSvd(a, 12).s);
    const kept = energyOf(svd.s);
    expect(kept).toBeLessThanOrEqual(best * (1 + 1e-6));
    expect(kept).toBeGreaterThanOrEqual(best * (1 - 3e-4));
    expect(Math.abs(squaredDistance(rebuild(svd).data, a.data) - (svd.energy - kept))).toBeLessThanOrEqual(2e-6 * svd.energy);
    expect(worstOverlap(widen(svd.u, true))).toBeLessThan(2e-6);
    expect(worstOverlap(widen(svd.vt))).toBeLessThan(2e-6);
  });

  test.each([0.5, 0.9, 0.99, 0.9999])('rank by energy %d: the target is met, with the rank of the exact way', async (energy) => {
    const a = decaying(240, 200, 0.9);
    const rule = (values: Float64Array, total: number): number => chooseRank(values, total, { energy }, 240, 200);
    const svd = await randomisedSvd(a, rule, options);
    expect(svd.energy - squaredDistance(rebuild(svd).data, a.data)).toBeGreaterThanOrEqual((energy - 1e-6) * svd.energy);
    expect(Math.abs(svd.s.length - truncatedSvd(a, rule).s.length)).toBeLessThanOrEqual(1);
  });

  test('equal seeds give equal bytes', async () => {
    const a = decaying(150, 120, 0.9);
    expect(await randomisedSvd(a, 8, options)).toEqual(await randomisedSvd(a, 8, options));
  });

  test('a block near full rank is decomposed exactly, without the engine', async () => {
    const none: MatMul = () => Promise.reject(new Error('not expected'));
    const a = gaussian(30, 40, 1);
    expect(await randomisedSvd(a, 20, { matmul: none, seed: 1 })).toEqual(truncatedSvd(a, 20));
  });

  test('a zero matrix has zero values; NaN is refused', async () => {
    const data = new Float32Array(120 * 100);
    expect([...(await randomisedSvd({ rows: 120, cols: 100, data }, 3, options)).s]).toEqual([0, 0, 0]);
    data[5] = NaN;
    await expect(randomisedSvd({ rows: 120, cols: 100, data }, 3, options)).rejects.toMatchObject({ code: 'numeric' });
  });
});
