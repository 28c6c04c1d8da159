import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cutShares } from '../../../src/build/parts/share.ts';
import { planBuild, type BuildPlan } from '../../../src/build/plan.ts';
import { makeTinyInputs, type TinyInputs } from '../../helpers/tiny-pack.ts';

let inputs: TinyInputs;
let plan: BuildPlan;

beforeAll(async () => {
  inputs = await makeTinyInputs();
  plan = await planBuild(inputs.config);
});

afterAll(async () => {
  await plan.close();
  await inputs.models.remove();
});

/** Every piece of work of a share by name. */
function worksOf(share: ReturnType<typeof cutShares>[number]): string[] {
  return [
    ...(share.heads ? ['heads'] : []),
    ...plan.model.parameters.flatMap(({ name }) => {
      const own = share.of(name);
      return own === undefined ? [] : [...(own.shared ? [`${name} shared`] : []), ...own.experts.map((t) => `${name} ${t}`)];
    }),
  ];
}

test('shares of any count are disjoint and together all of the work', () => {
  const whole = worksOf(cutShares(plan, 1)[0]).sort();
  expect(whole).toHaveLength(1 + plan.model.parameters.length * (1 + plan.experts.length));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), (count) => {
      const shares = cutShares(plan, count);
      expect(shares).toHaveLength(count);
      expect(shares.flatMap(worksOf).sort()).toEqual(whole);
    }),
    { seed: 1, numRuns: 50 },
  );
});

test('a parameter that costs more than a fair share is cut between its experts', () => {
  const table = 'embeddings.word_embeddings.weight';
  const owners = cutShares(plan, 30).filter((share) => share.of(table) !== undefined);
  expect(owners.length).toBeGreaterThan(1);
  expect(owners.filter((share) => share.of(table)?.shared === true)).toHaveLength(1);
});
