import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCostModel, type RunSize } from '../../../src/core/batching/cost-model.ts';
import { createRandom } from '../../../src/core/random.ts';

const PRIOR = { start: 2, token: 0.2, tokenRank: 0.001, rank: 0.01 };

const truth = (size: RunSize): number => 3 + 0.5 * size.tokens + 0.004 * size.tokens * size.rank + 0.05 * size.rank;

test('believes its prior before the first run', () => {
  expect(createCostModel(PRIOR).predict({ tokens: 100, rank: 10 })).toBeCloseTo(2 + 20 + 1 + 0.1);
});

test('learns what runs cost, through noise', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
      const random = createRandom(seed);
      const model = createCostModel(PRIOR);
      const size = (): RunSize => ({ tokens: 8 + random.below(2000), rank: random.below(130) });
      for (let i = 0; i < 400; i++) {
        const run = size();
        model.observe(run, truth(run) * (0.9 + 0.2 * random.uniform()));
      }
      for (let i = 0; i < 20; i++) {
        const run = size();
        expect(Math.abs(model.predict(run) / truth(run) - 1)).toBeLessThan(0.15);
      }
    }),
    { seed: 1, numRuns: 20 },
  );
});

test('what no run told stays near the prior, and follows the machine when it changes', () => {
  const model = createCostModel(PRIOR);
  for (let i = 0; i < 50; i++) model.observe({ tokens: 100, rank: 0 }, 22);
  expect(model.predict({ tokens: 100, rank: 20 })).toBeCloseTo(24.2, 0);
  for (let i = 0; i < 2000; i++) model.observe({ tokens: 100, rank: 0 }, 44);
  expect(model.predict({ tokens: 100, rank: 0 })).toBeCloseTo(44, 0);
});

test('predictions stay positive whatever was seen', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 0, max: 2000 }), fc.double({ min: 0, max: 1e4, noNaN: true })),
      ),
      (runs) => {
        const model = createCostModel(PRIOR);
        for (const [tokens, rank, ms] of runs) model.observe({ tokens, rank }, ms);
        expect(model.predict({ tokens: 1, rank: 0 })).toBeGreaterThan(0);
      },
    ),
    { seed: 2 },
  );
});
