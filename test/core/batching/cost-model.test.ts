import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCostModel, type RunSize } from '../../../src/core/batching/cost-model.ts';
import { createRandom } from '../../../src/core/random.ts';

const PRIOR = { start: 2, token: 0.2, tokenRank: 0.001, tiledTokenRank: 0.002, rank: 0.01, score: 1e-4 };

/** A run of one row, where nothing else is said. */
const run = (tokens: number, rank: number): RunSize => ({ tokens, scores: 26, rank });

const truth = ({ tokens, rank, scores }: RunSize): number => 3 + 0.5 * tokens + 0.004 * tokens * rank + 0.05 * rank + 3e-4 * scores;

test('believes its prior before the first run', () => {
  expect(createCostModel(PRIOR).predict(run(100, 10))).toBeCloseTo(2 + 20 + 1 + 0.1 + 26e-4);
});

test('learns what runs cost, through noise', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
      const random = createRandom(seed);
      const model = createCostModel(PRIOR);
      const size = (): RunSize => {
        const rows = 1 + random.below(32);
        const longest = 8 + random.below(100);
        return {
          tokens: Math.ceil(rows * longest * (0.3 + 0.7 * random.uniform())),
          scores: rows * longest * (longest + 25),
          rank: random.below(130),
        };
      };
      for (let i = 0; i < 3000; i++) {
        const seen = size();
        model.observe(seen, truth(seen) * (0.9 + 0.2 * random.uniform()));
      }
      for (let i = 0; i < 20; i++) {
        const asked = size();
        expect(Math.abs(model.predict(asked) / truth(asked) - 1)).toBeLessThan(0.2);
      }
    }),
    { seed: 1, numRuns: 10 },
  );
});

test('what no run told stays near the prior, and follows the machine when it changes', () => {
  const model = createCostModel(PRIOR);
  for (let i = 0; i < 50; i++) model.observe(run(100, 0), 22);
  expect(model.predict(run(100, 20))).toBeCloseTo(24.2, 0);
  for (let i = 0; i < 8000; i++) model.observe(run(100, 0), 44);
  expect(model.predict(run(100, 0))).toBeCloseTo(44, 0);
});

test('predictions stay positive whatever was seen', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 0, max: 2000 }), fc.double({ min: 0, max: 1e4, noNaN: true })),
      ),
      (runs) => {
        const model = createCostModel(PRIOR);
        for (const [tokens, rank, ms] of runs) model.observe(run(tokens, rank), ms);
        expect(model.predict(run(1, 0))).toBeGreaterThan(0);
      },
    ),
    { seed: 2 },
  );
});

test('a faster machine makes what was never run cheaper, too', () => {
  const model = createCostModel(PRIOR);
  const before = model.predict({ ...run(100, 20), tiled: true });
  const plain = model.predict(run(100, 0));
  for (let i = 0; i < 100; i++) model.observe(run(100, 0), plain / 4);
  expect(model.predict({ ...run(100, 20), tiled: true }) / before).toBeCloseTo(0.25, 1);
});
