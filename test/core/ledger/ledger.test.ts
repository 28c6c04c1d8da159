import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWorld, type Step } from './world.ts';

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('open' as const),
      key: fc.nat(1),
      name: fc.option(fc.nat(4), { nil: undefined }),
      body: fc.nat(1),
      micros: fc.nat(400),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('settle' as const), pick: fc.nat(7), micros: fc.nat(500) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), pick: fc.nat(7) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof(fc.nat(40_000), fc.nat(4_000_000), fc.constant(86_400_000)) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('credit' as const), id: fc.nat(9), micros: fc.integer({ min: 1, max: 2000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      fate: fc.constantFrom('once' as const, 'twice' as const, 'unacknowledged' as const, 'lost' as const),
    }),
  },
);

test('whatever happens in whatever order, nothing is lost, nothing is charged twice, no balance is below zero', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step, fc.option(fc.nat(2), { nil: undefined, freq: 4 })), { maxLength: 120, size: 'max' }),
      async (steps) => {
        const world = createWorld();
        for (const [what, failure] of steps) {
          if (failure === undefined) world.step(what);
          else world.stepWithFailure(what, failure);
        }
        const { findings } = await world.end();
        expect(findings).toEqual([]);
      },
    ),
    { seed: 5, numRuns: 400 },
  );
});
