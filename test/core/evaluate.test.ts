import { describe, expect, test } from 'vitest';
import { type EvaluatedRow, type EvaluatedTask, evaluate } from '../../src/core/evaluate.ts';

const row = (label: number, shared: number, oracle: number, expert: string, prediction: number, individual?: number): EvaluatedRow => ({
  label,
  shared,
  oracle,
  routed: { expert, prediction },
  ...(individual === undefined ? {} : { individual }),
});

const sst2: EvaluatedTask = {
  metric: 'accuracy',
  classes: 2,
  rows: [row(1, 0, 1, 'sst2', 1, 1), row(0, 0, 0, 'sst2', 0, 0), row(1, 1, 1, 'emotion', 1, 1), row(0, 1, 1, 'sst2', 1, 0)],
};
const stsb: EvaluatedTask = {
  metric: 'pearson_spearman_mean',
  classes: null,
  range: [0, 5],
  individualScore: 0.8,
  rows: [row(1, 1, 1, 'stsb', 1), row(2, 2, 2, 'stsb', 2), row(3, 3, 3, 'sst2', 1)],
};

describe('evaluate', () => {
  const table = evaluate({ sst2, stsb });

  test('oracle 13: scores each column, the oracle’s beside the router’s, a foreign answer never counting as right', () => {
    // The third row's routed class would be right, had its own head given it.
    expect(table.tasks['sst2']).toEqual({
      metric: 'accuracy',
      rows: 4,
      individual: 1,
      shared: 0.5,
      oracle: 0.75,
      routed: 0.5,
      routed_to_own: 0.75,
    });
  });

  test('a foreign answer to a regression is the middle of its range', () => {
    const { routed, oracle } = table.tasks['stsb'];
    expect(oracle).toBeCloseTo(1, 12);
    // Pearson of (1, 2, 3) with (1, 2, 2.5) is 1.5 / √(2 · 7/6); Spearman is 1.
    expect(routed).toBeCloseTo((1.5 / Math.sqrt(7 / 3) + 1) / 2, 12);
  });

  test('normalises by the individual score, known from rows or beforehand, as a mean over tasks', () => {
    expect(table.tasks['stsb'].individual).toBe(0.8);
    expect(table.normalised.oracle).toBeCloseTo((75 + 125) / 2, 10);
    expect(table.normalised.shared).toBeCloseTo((50 + 125) / 2, 10);
  });

  test('routing accuracy is over all rows', () => {
    expect(table.routing_accuracy).toBeCloseTo(5 / 7, 12);
  });

  test('keeps the order of tasks', () => {
    expect(Object.keys(evaluate({ stsb, sst2 }).tasks)).toEqual(['stsb', 'sst2']);
  });

  test('an unknown individual score, or one of 0, is left out of the mean', () => {
    const unknown = { ...stsb, individualScore: undefined };
    const { individualScore: _, ...without } = unknown;
    expect(evaluate({ sst2, stsb: without }).normalised.oracle).toBeCloseTo(75, 10);
    expect(evaluate({ stsb: { ...stsb, individualScore: 0 } }).normalised).toEqual({ shared: null, oracle: null, routed: null });
    expect(evaluate({ stsb: without }).tasks['stsb'].individual).toBeNull();
  });

  test('a task without rows and a regression without range are refused', () => {
    expect(() => evaluate({ sst2: { ...sst2, rows: [] } })).toThrow(expect.objectContaining({ code: 'shape' }));
    const { range: _, ...rangeless } = stsb;
    expect(() => evaluate({ stsb: rangeless })).toThrow(expect.objectContaining({ code: 'config', param: 'stsb.range' }));
  });
});
