import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attentionGroups } from '../../../src/core/batching/attention-groups.ts';
import { chooseRows } from '../../../src/core/batching/choose-rows.ts';
import type { RunRow } from '../../../src/core/batching/run-shapes.ts';
import { createCostModel } from '../../../src/core/batching/cost-model.ts';

const cost = createCostModel({ start: 2, token: 0.2, tokenRank: 0.001, tiledTokenRank: 0.002, rank: 0.01, score: 1e-4 });
const choose = (waiting: readonly RunRow[], maxRows = 32, rank = 16) =>
  chooseRows(waiting, { maxRows, rankOf: () => rank, cost, tiles: false });
const row = (tokens: number, ...experts: number[]): RunRow => ({ tokens, experts });

const ROWS = fc.array(
  fc.record({ tokens: fc.integer({ min: 1, max: 256 }), experts: fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 4 }) }),
  { minLength: 1, maxLength: 300 },
);

test('the row that waited longest always runs; indices are different, ascending, within the queue and the limit', () => {
  fc.assert(
    fc.property(ROWS, fc.integer({ min: 1, max: 40 }), (waiting, maxRows) => {
      const chosen = choose(waiting, maxRows);
      expect(chosen[0]).toBe(0);
      expect(chosen.length).toBeLessThanOrEqual(maxRows);
      expect([...new Set(chosen)].sort((a, b) => a - b)).toEqual(chosen);
      expect(chosen.every((i) => i < waiting.length)).toBe(true);
    }),
    { seed: 1 },
  );
});

test('no run makes less of its time useful than its oldest row would alone', () => {
  const efficiency = (rows: readonly RunRow[]): number => {
    const experts = new Set(rows.flatMap(({ experts: own }) => own));
    const useful = rows.reduce((sum, { tokens }) => sum + tokens, 0);
    return (
      useful / cost.predict({ tokens: useful, scores: attentionGroups(rows.map((each) => each.tokens)).scores, rank: 16 * experts.size })
    );
  };
  fc.assert(
    fc.property(ROWS, (waiting) => {
      const rows = choose(waiting).map((i) => waiting[i]);
      expect(efficiency(rows)).toBeGreaterThanOrEqual(efficiency([waiting[0]]) * (1 - 1e-9));
    }),
    { seed: 2 },
  );
});

describe('company', () => {
  test('a set of experts is taken in for all the rows that it lets in, not for the first of them', () => {
    // One row of expert 1 does not pay for its factors; ten do.
    const dear = createCostModel({ start: 20, token: 0.2, tokenRank: 1e-4, tiledTokenRank: 0.002, rank: 1, score: 0 });
    const rankOf = (expert: number): number => (expert === 0 ? 1 : 32);
    const company = (count: number): number =>
      chooseRows([row(32, 0), ...Array.from({ length: count }, () => row(32, 1))], { maxRows: 32, rankOf, cost: dear, tiles: false })
        .length;
    expect(company(1)).toBe(1);
    expect(company(10)).toBe(11);
  });

  test('of pairs, those run together that want the fewest experts', () => {
    const waiting = [row(24, 0, 1), row(24, 4, 5), row(24, 0, 2), row(24, 1, 2), row(24, 0, 1), row(24, 6, 7), row(24, 0, 2)];
    const dear = createCostModel({ start: 3, token: 0.2, tokenRank: 0.001, tiledTokenRank: 0.002, rank: 0.02, score: 0 });
    expect(chooseRows(waiting, { maxRows: 32, rankOf: () => 16, cost: dear, tiles: false })).toEqual([0, 2, 3, 4, 6]);
  });

  test('rows of the same expert and length come first, in the order of arrival', () => {
    const waiting = Array.from({ length: 64 }, (_, i) => row(32, i % 8));
    expect(choose(waiting, 4)).toEqual([0, 8, 16, 24]);
  });

  test('a long row makes short ones no longer, so that they share a run; with a middling one more they would not', () => {
    const waiting = [row(10, 0), row(250, 0), ...Array.from({ length: 8 }, () => row(10, 0))];
    expect(choose(waiting)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const dear = createCostModel({ start: 2, token: 0.2, tokenRank: 0.001, tiledTokenRank: 0.002, rank: 0.01, score: 0.01 });
    const mixed = [...waiting.slice(2), row(60, 0), row(250, 0)];
    expect(chooseRows(mixed, { maxRows: 32, rankOf: () => 16, cost: dear, tiles: false })).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('where factors cost next to nothing beside a start, experts share a run', () => {
    const cheap = createCostModel({ start: 50, token: 0.2, tokenRank: 1e-6, tiledTokenRank: 0.002, rank: 1e-6, score: 1e-4 });
    const waiting = Array.from({ length: 8 }, (_, i) => row(32, i));
    expect(chooseRows(waiting, { maxRows: 32, rankOf: () => 16, cost: cheap, tiles: false })).toHaveLength(8);
  });

  test('where they cost much, they do not', () => {
    const dear = createCostModel({ start: 1, token: 0.2, tokenRank: 0.05, tiledTokenRank: 0.002, rank: 1, score: 1e-4 });
    const waiting = Array.from({ length: 16 }, (_, i) => row(32, i % 2));
    expect(chooseRows(waiting, { maxRows: 32, rankOf: () => 16, cost: dear, tiles: false })).toEqual([0, 2, 4, 6, 8, 10, 12, 14]);
  });

  test('where every row wants another expert, rows of like length are tiles', () => {
    const model = createCostModel({ start: 2, token: 0.2, tokenRank: 0.001, tiledTokenRank: 0.0015, rank: 0.01, score: 0 });
    const waiting = Array.from({ length: 24 }, (_, i) => row(i % 2 === 0 ? 24 : 90, i));
    const options = { maxRows: 32, rankOf: () => 16, cost: model };
    const tiled = chooseRows(waiting, { ...options, tiles: true });
    expect(tiled).toEqual(waiting.flatMap(({ tokens }, i) => (tokens === 24 ? [i] : [])));
    expect(chooseRows(waiting, { ...options, tiles: false }).length).toBeLessThan(tiled.length);
  });
});
