import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RankSpec, chooseRank } from '../../../src/core/compress/rank.ts';

const values = Float64Array.of(4, 2, 1, 0.5);
const energy = 16 + 4 + 1 + 0.25;

describe('chooseRank', () => {
  test.each<[RankSpec, number]>([
    [{ rank: 2 }, 2],
    [{ rank: 99 }, 4],
    [{ density: 0.5 }, 2],
    [{ density: 0.1 }, 1],
    [{ density: 1 }, 4],
    [{ energy: 16 / energy }, 1],
    [{ energy: 16.01 / energy }, 2],
    [{ energy: 1 }, 4],
  ])('%o of four values is %d', (spec, expected) => {
    expect(chooseRank(values, energy, spec, 4, 9)).toBe(expected);
  });

  // token_type_embeddings at density 0.1.
  test('oracle 4: is never silently 0 on a 1×768 matrix', () => {
    expect(chooseRank(Float64Array.of(1e-3), 1e-6, { density: 0.1 }, 1, 768)).toBe(1);
  });

  test('is 0 for an exactly zero delta, whatever was asked', () => {
    for (const spec of [{ rank: 3 }, { energy: 0.9 }, { density: 0.1 }]) expect(chooseRank(new Float64Array(4), 0, spec, 4, 9)).toBe(0);
  });

  test('drops components that are rounding noise', () => {
    expect(chooseRank(Float64Array.of(1, 0.5, 1e-9, 1e-10), 1.25, { rank: 4 }, 4, 4)).toBe(2);
  });

  test('asks for more values when those known do not hold the energy', () => {
    expect(chooseRank(values, 100, { energy: 0.9 }, 50, 60)).toBe(5);
    expect(chooseRank(values, 100, { rank: 7 }, 50, 60)).toBe(7);
  });

  test('is the least rank that holds the energy', () => {
    const list = fc.array(fc.double({ min: 0.01, max: 10, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(list, fc.double({ min: 0.01, max: 0.999, noNaN: true }), (drawn, share) => {
        const sorted = Float64Array.from(drawn).sort().reverse();
        const kept = (r: number): number => sorted.subarray(0, r).reduce((sum, value) => sum + value * value, 0);
        const total = kept(sorted.length);
        const r = chooseRank(sorted, total, { energy: share }, sorted.length, 20);
        expect(kept(r)).toBeGreaterThanOrEqual(share * total);
        expect(kept(r - 1)).toBeLessThan(share * total);
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  test.each<[RankSpec, string]>([
    [{ rank: 0 }, 'rank'],
    [{ rank: 1.5 }, 'rank'],
    [{ energy: 0 }, 'energy'],
    [{ energy: 1.01 }, 'energy'],
    [{ density: NaN }, 'density'],
  ])('%o is refused', (spec, param) => {
    expect(() => chooseRank(values, energy, spec, 4, 9)).toThrow(expect.objectContaining({ code: 'config', param }));
  });
});
