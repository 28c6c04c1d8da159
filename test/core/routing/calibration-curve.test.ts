import { describe, expect, test } from 'vitest';
import { assess } from '../../../src/core/routing/calibrate.ts';
import { calibrationCurve, confusionMatrix, curveError } from '../../../src/core/routing/calibration-curve.ts';
import { wilsonInterval } from '../../../src/core/wilson-interval.ts';

describe('calibrationCurve', () => {
  test('bins by stated probability, and leaves out bins without rows', () => {
    const curve = calibrationCurve([0.1, 0.2, 0.9, 1], [false, true, true, true], 2);
    expect(curve).toEqual([
      { rows: 2, confidence: expect.closeTo(0.15, 12), accuracy: 0.5 },
      { rows: 2, confidence: expect.closeTo(0.95, 12), accuracy: 1 },
    ]);
    // (2 · |0.15 − 0.5| + 2 · |0.95 − 1|) / 4
    expect(curveError(curve)).toBeCloseTo(0.2, 12);
  });

  test('certainty falls into the last bin; of nothing there is no curve and no error', () => {
    expect(calibrationCurve([1], [true])).toEqual([{ rows: 1, confidence: 1, accuracy: 1 }]);
    expect(calibrationCurve([], [])).toEqual([]);
    expect(curveError([])).toBe(0);
  });
});

test('confusionMatrix counts rows by true and answered class', () => {
  expect(confusionMatrix([0, 0, 1, 2], [0, 1, 1, 0], 3)).toEqual([
    [1, 1, 0],
    [0, 1, 0],
    [1, 0, 0],
  ]);
});

test('assess puts together what a router answered and how sure it was', () => {
  const { confusion, curve } = assess(
    {
      logits: [
        [2, 0],
        [0, 2],
        [2, 0],
      ],
      classes: [0, 1, 1],
    },
    2,
    1,
  );
  expect(confusion).toEqual([
    [1, 0],
    [1, 1],
  ]);
  expect(curve).toEqual([{ rows: 3, confidence: expect.closeTo(1 / (1 + Math.exp(-2)), 12), accuracy: expect.closeTo(2 / 3, 12) }]);
});

test('wilsonInterval agrees with published values, and stays within [0, 1]', () => {
  // Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  expect(wilsonInterval(81, 263)).toEqual([expect.closeTo(0.2553, 4), expect.closeTo(0.3662, 4)]);
  expect(wilsonInterval(15, 148)).toEqual([expect.closeTo(0.0624, 4), expect.closeTo(0.1605, 4)]);
  expect(wilsonInterval(0, 20)).toEqual([0, expect.closeTo(0.1611, 4)]);
  expect(wilsonInterval(1, 29)).toEqual([expect.closeTo(0.0061, 4), expect.closeTo(0.1718, 4)]);
});
