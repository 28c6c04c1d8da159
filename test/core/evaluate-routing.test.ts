import { expect, test } from 'vitest';
import type { EvaluatedRow } from '../../src/core/evaluate.ts';
import { evaluateRouting } from '../../src/core/evaluate-routing.ts';

test('counts rows by task and answering expert, and bins what routes state', () => {
  const row = (expert: string, confidence?: number): EvaluatedRow => ({
    label: 0,
    shared: 0,
    oracle: 0,
    routed: { expert, prediction: 0, ...(confidence !== undefined && { confidence }) },
  });
  const task = { metric: 'accuracy', classes: 2 } as const;
  const routing = evaluateRouting(
    { ships: { ...task, rows: [row('ships', 0.9), row('birds', 0.9)] }, birds: { ...task, rows: [row('birds'), row('stars', 0.3)] } },
    ['birds', 'ships', 'stars'],
  );
  expect(routing).toEqual({
    truth: ['ships', 'birds'],
    answered: ['birds', 'ships', 'stars'],
    confusion: [
      [1, 1, 0],
      [1, 0, 1],
    ],
    curve: [
      { rows: 1, confidence: 0.3, accuracy: 0 },
      { rows: 2, confidence: 0.9, accuracy: 0.5 },
    ],
  });
});
