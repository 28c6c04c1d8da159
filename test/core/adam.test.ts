import { expect, test } from 'vitest';
import { startAdam, stepAdam, type AdamState } from '../../src/core/adam.ts';

/** Gradient of (x − 1)² + 100·(y + 2)². */
const gradientAt = ([x, y]: readonly number[]): number[] => [2 * (x - 1), 200 * (y + 2), 0];

function run(state: AdamState, steps: number): AdamState {
  for (let i = 0; i < steps; i++) state = stepAdam(state, gradientAt(state.values), 0.01);
  return state;
}

test('the first step has the size of the rate, whatever the size of the gradient', () => {
  const { values, step } = run(startAdam([0, 0, 5]), 1);
  expect(step).toBe(1);
  expect(values[0]).toBeCloseTo(0.01, 6);
  expect(values[1]).toBeCloseTo(-0.01, 6);
});

test('finds the lowest point; what has no gradient stays', () => {
  const { values } = run(startAdam([0, 0, 5]), 3000);
  expect(values[0]).toBeCloseTo(1, 2);
  expect(values[1]).toBeCloseTo(-2, 2);
  expect(values[2]).toBe(5);
});

test('a state that went through JSON goes on to the same bit', () => {
  const half = run(startAdam([0, 0, 5]), 50);
  const restored: AdamState = JSON.parse(JSON.stringify(half));
  expect(run(restored, 50)).toEqual(run(startAdam([0, 0, 5]), 100));
});
