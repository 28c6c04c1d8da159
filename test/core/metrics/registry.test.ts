// Golden values by scikit-learn 1.9.1 and SciPy 1.17.1: accuracy_score, matthews_corrcoef, f1_score (labels = the task's own classes,
// zero_division 0), pearsonr, spearmanr.

import { describe, expect, test } from 'vitest';
import { MetricName } from '../../../src/contract/tasks.ts';
import { METRICS } from '../../../src/core/metrics/registry.ts';

const binary = {
  truth: [1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0],
  predicted: [1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0],
};
const withForeign = binary.predicted.map((value, i) => ([1, 5, 9].includes(i) ? -1 : value));
const several = {
  truth: [2, 1, 1, 0, 1, 2, 1, 0, 1, 0, 2, 2, 0, 1, 2, 2, 2, 1, 0, 2],
  predicted: [2, 1, 3, -1, 1, 3, 1, 0, 1, 0, 0, 2, 1, 3, 0, 2, 2, 1, 0, 2],
};
const regression = {
  truth: [4.7, 4.5, 2.8, 1.0, 1.0, 4.6, 2.8, 1.0, 4.4, 3.2, 2.8, 1.9],
  predicted: [4.3, 5.7, 1.9, 1.0, 1.7, 4.3, 3.9, 1.0, 5.0, 1.9, 3.1, 0.2],
};

describe('golden values', () => {
  test.each([
    ['accuracy', 0.8333333333333334, 0.75],
    ['matthews_correlation', 0.6761234037828132, 0.5735393346764044],
    ['f1_accuracy_mean', 0.8257575757575758, 0.7559523809523809],
    ['macro_f1', 0.8321678321678322, 0.7976190476190477],
  ] as const)('binary %s, own classes and with foreign predictions', (name, own, foreign) => {
    expect(METRICS[name](binary.truth, binary.predicted, 2)).toBeCloseTo(own, 12);
    expect(METRICS[name](binary.truth, withForeign, 2)).toBeCloseTo(foreign, 12);
  });

  test('several classes, one of them never true, with a foreign prediction', () => {
    expect(METRICS.matthews_correlation(several.truth, several.predicted, 4)).toBeCloseTo(0.542130689976192, 12);
    expect(METRICS.macro_f1(several.truth, several.predicted, 4)).toBeCloseTo(0.5346153846153846, 12);
  });

  test('regression with ties on both sides', () => {
    expect(METRICS.pearson_spearman_mean(regression.truth, regression.predicted, 0)).toBeCloseTo(0.8564786512417422, 12);
  });
});

describe('every metric', () => {
  const names = MetricName.options;

  test('the names are those of tasks.json', () => {
    expect(Object.keys(METRICS).sort()).toEqual([...names].sort());
  });

  test.each(names)('%s: perfect is 1, constant is finite, nothing is refused', (name) => {
    const truth = [0, 1, 1, 0, 1];
    expect(METRICS[name](truth, truth, 2)).toBeCloseTo(1, 12);
    expect(Number.isFinite(METRICS[name](truth, [0, 0, 0, 0, 0], 2))).toBe(true);
    expect(Number.isFinite(METRICS[name]([1, 1, 1], [-1, -1, -1], 2))).toBe(true);
    expect(() => METRICS[name]([], [], 2)).toThrow(expect.objectContaining({ code: 'shape' }));
    expect(() => METRICS[name]([1], [1, 0], 2)).toThrow(expect.objectContaining({ code: 'shape' }));
  });

  test('binary MCC by its own formula', () => {
    // tp 3, tn 2, fp 1, fn 2: (3·2 − 1·2) / √(4·5·3·4)
    expect(METRICS.matthews_correlation([1, 1, 1, 0, 0, 0, 1, 1], [1, 1, 1, 0, 0, 1, 0, 0], 2)).toBeCloseTo(4 / Math.sqrt(240), 12);
  });

  test('a constant side correlates 0', () => {
    expect(METRICS.pearson_spearman_mean([1, 2, 3], [2, 2, 2], 0)).toBe(0);
  });

  test('reversed order correlates −1', () => {
    expect(METRICS.pearson_spearman_mean([1, 2, 3], [-1, -2, -3], 0)).toBeCloseTo(-1, 12);
  });
});
