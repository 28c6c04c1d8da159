import { expect, test } from 'vitest';
import { normalise } from '../../src/core/normalised.ts';

const tasks = [
  { task: 'a', score: 0.9, individual: 0.9 },
  { task: 'b', score: 0.4, individual: 0.8 },
  { task: 'c', score: 0.3, individual: 0.4 },
];

test('is the mean percent of the experts, with and without a task, and the worst', () => {
  const all = { mean: 75, worst: { task: 'b', percent: 50 } };
  expect(normalise(tasks, 'b')).toEqual({ ...all, mean_without: expect.closeTo(87.5, 10) });
  expect(normalise(tasks, undefined)).toEqual({ ...all, mean_without: null });
});

test('leaves out what is not known, and is null of nothing', () => {
  const unknown = [
    { task: 'd', score: 1, individual: null },
    { task: 'e', score: null, individual: 1 },
    { task: 'f', score: 1, individual: 0 },
  ];
  expect(normalise([...tasks, ...unknown], undefined)?.mean).toBe(75);
  expect(normalise(unknown, 'd')).toBeNull();
  expect(normalise(tasks.slice(0, 1), 'a')?.mean_without).toBeNull();
});
