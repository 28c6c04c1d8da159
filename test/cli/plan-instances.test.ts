import { expect, test } from 'vitest';
import { planInstances } from '../../src/cli/origin/plan-instances.ts';

const CPU = { kind: 'cpu' } as const;

test.each([
  [{}, 1, { instances: 1, threads: 1 }],
  [{}, 2, { instances: 2, threads: 1 }],
  [{}, 8, { instances: 2, threads: 4 }],
  [{ threads: 2 }, 2, { instances: 1, threads: 2 }],
  [{ threads: 4 }, 2, { instances: 1, threads: 4 }],
  [{ threads: 1 }, 8, { instances: 2, threads: 1 }],
  [{ instances: 4 }, 8, { instances: 4, threads: 2 }],
  [{ instances: 4 }, 2, { instances: 4, threads: 1 }],
  [{ instances: 3, threads: 3 }, 2, { instances: 3, threads: 3 }],
])('%j on %i cores', (asked, cores, plan) => {
  expect(planInstances(asked, CPU, cores)).toEqual(plan);
});

test('a GPU has one, and threads are onnxruntime’s business', () => {
  expect(planInstances({}, { kind: 'gpu' }, 8)).toEqual({ instances: 1, threads: undefined });
  expect(planInstances({ instances: 2, threads: 3 }, { kind: 'gpu' }, 8)).toEqual({ instances: 2, threads: 3 });
});
