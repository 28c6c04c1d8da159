import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { accuracy, calibrationError, fitTemperature, negativeLogLikelihood, type ScoredRows } from '../../../src/core/routing/calibrate.ts';
import { argmax, softmax } from '../../../src/core/routing/score.ts';

/** Rows whose classes are drawn from the softmax of their logits, which are then multiplied by `factor`. */
function drawn(count: number, factor: number): ScoredRows {
  const random = createRandom(5);
  const logits: Float64Array[] = [];
  const classes: number[] = [];
  for (let i = 0; i < count; i++) {
    const row = Float64Array.from({ length: 4 }, () => 2 * random.normal());
    let left = random.uniform();
    const scores = softmax(row);
    classes.push(
      Math.max(
        0,
        scores.findIndex((score) => (left -= score) < 0),
      ),
    );
    logits.push(row.map((value) => value * factor));
  }
  return { logits, classes };
}

describe('fitTemperature', () => {
  test.each([0.25, 1, 3, 8])('finds the factor %s that logits were multiplied by', (factor) => {
    expect(fitTemperature(drawn(20_000, factor)) / factor).toBeCloseTo(1, 1);
  });

  test('is a minimum', () => {
    const rows = drawn(2_000, 2);
    const temperature = fitTemperature(rows);
    const loss = negativeLogLikelihood(rows, temperature);
    for (const other of [0.9, 0.99, 1.01, 1.1]) expect(negativeLogLikelihood(rows, temperature * other)).toBeGreaterThan(loss);
  });

  test('stays within its limits for rows that are all right, and is 1 without rows', () => {
    expect(
      fitTemperature({
        logits: [
          [5, 0],
          [0, 5],
        ],
        classes: [0, 1],
      }),
    ).toBeCloseTo(0.05, 3);
    expect(fitTemperature({ logits: [], classes: [] })).toBe(1);
  });
});

describe('calibrationError', () => {
  test('is small for calibrated rows and large for overconfident ones', () => {
    expect(calibrationError(drawn(20_000, 1), 1)).toBeLessThan(0.015);
    expect(calibrationError(drawn(20_000, 5), 1)).toBeGreaterThan(0.1);
    expect(calibrationError(drawn(20_000, 5), 5)).toBeLessThan(0.015);
  });

  test('is the gap between confidence and accuracy', () => {
    const logits = [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ];
    expect(calibrationError({ logits, classes: [0, 0, 0, 1] }, 1)).toBeCloseTo(0.25, 12);
    expect(calibrationError({ logits: [], classes: [] }, 1)).toBe(0);
  });
});

describe('scores', () => {
  test('softmax survives large logits', () => {
    expect([...softmax([1000, 1000, -1000])]).toEqual([0.5, 0.5, 0]);
    expect([...softmax([0, Math.log(3)])].map((score) => Math.round(score * 1e9) / 1e9)).toEqual([0.25, 0.75]);
  });

  test('argmax takes the first of equals', () => {
    expect(argmax([1, 3, 3])).toBe(1);
    expect(argmax([])).toBe(-1);
  });

  test('accuracy counts rows', () => {
    expect(
      accuracy({
        logits: [
          [1, 0],
          [0, 1],
          [1, 0],
        ],
        classes: [0, 1, 1],
      }),
    ).toBeCloseTo(2 / 3, 12);
  });
});
