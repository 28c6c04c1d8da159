import { describe, expect, test } from 'vitest';
import type { EvaluatedTask } from '../../src/core/evaluate.ts';
import { createRandom } from '../../src/core/random.ts';
import { routedScoreError } from '../../src/core/score-error.ts';

/** Rows of which a share is right, by the expert itself and by the route. */
function taskOf(rows: number, share: number, agree: boolean, withOwn: boolean): EvaluatedTask {
  const random = createRandom(3);
  return {
    metric: 'accuracy',
    classes: 2,
    rows: Array.from({ length: rows }, () => {
      const own = random.uniform() < share ? 1 : 0;
      const other = random.uniform() < share ? 1 : 0;
      return {
        label: 1,
        shared: 0,
        oracle: own,
        routed: { expert: 'own', prediction: agree ? own : other },
        ...(withOwn && { individual: own }),
      };
    }),
  };
}

describe('routedScoreError', () => {
  test('is about that of a share, in percent of the expert’s score', () => {
    // √(0.8 · 0.2 / 400) = 0.02, and 100 · 0.02 / 0.8 = 2.5.
    expect(routedScoreError('own', taskOf(400, 0.8, false, false), 0.8)).toBeCloseTo(2.5, 0);
  });

  test('is of the difference where the expert’s answers are known: none where both answer alike, more where they do not', () => {
    expect(routedScoreError('own', taskOf(400, 0.8, true, true), 0.8)).toBe(0);
    expect(routedScoreError('own', taskOf(400, 0.8, false, true), 0.8)).toBeCloseTo(2.5 * Math.SQRT2, 0);
  });

  test('is the same each time, and another under another seed', () => {
    const task = taskOf(100, 0.7, false, true);
    expect(routedScoreError('own', task, 0.7)).toBe(routedScoreError('own', task, 0.7));
    expect(routedScoreError('own', task, 0.7, 1)).not.toBe(routedScoreError('own', task, 0.7));
  });

  test('is undefined where samples have no score', () => {
    const rows = [1, 2].map((label) => ({ label, shared: 0, oracle: 0, routed: { expert: 'own', prediction: Number.NaN } }));
    expect(routedScoreError('own', { metric: 'pearson_spearman_mean', classes: null, range: [0, 5], rows }, 0.5)).toBeUndefined();
  });
});
