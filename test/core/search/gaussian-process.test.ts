import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conditionProcess, fitGaussianProcess, likelihood, standardise } from '../../../src/core/search/gaussian-process.ts';

const POINTS = [
  [0.1, 0.2],
  [0.4, 0.9],
  [0.8, 0.3],
  [0.55, 0.5],
  [0.95, 0.85],
];
const VALUES = [1.2, -0.4, 2.5, 0.3, 1.9];

describe('against numpy 2.4 (inverse and determinant of the covariance, not a factorisation)', () => {
  const process = conditionProcess(POINTS, VALUES, { lengths: [0.3, 0.7], noise: 0.01 });

  test('marginal likelihood', () => {
    expect(process.logLikelihood).toBeCloseTo(-6.945629236458098, 12);
  });

  test.each([
    [[0.1, 0.2], 1.1928427419479721, 0.11767703101149271],
    [[0.5, 0.5], 0.07678570272302387, 0.22037025764071497],
    [[0, 1], 0.8150493505490055, 1.0269945335742818],
  ])('posterior at %s', (point, mean, deviation) => {
    const posterior = process.predict(point);
    expect(posterior.mean).toBeCloseTo(mean, 12);
    expect(posterior.deviation).toBeCloseTo(deviation, 12);
  });
});

test('the gradient of the likelihood is the slope of its value', () => {
  const targets = standardise(VALUES).standard;
  fc.assert(
    fc.property(
      fc.tuple(
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
      ),
      (parameters) => {
        const at = (logs: readonly number[]) => {
          const [first, second, noise] = logs.map(Math.exp);
          return likelihood(POINTS, targets, { lengths: [first, second], noise });
        };
        const logs = parameters.map(Math.log);
        const gradient = at(logs)?.gradient ?? [];
        for (const i of logs.keys()) {
          const shifted = (step: number): number => at(logs.map((value, k) => (k === i ? value + step : value)))?.value ?? Number.NaN;
          expect(gradient[i]).toBeCloseTo((shifted(1e-5) - shifted(-1e-5)) / 2e-5, 5);
        }
      },
    ),
    { seed: 1, numRuns: 50 },
  );
});

describe('a fit', () => {
  const grid = Array.from({ length: 25 }, (_, i) => [(i % 5) / 4, Math.floor(i / 5) / 4]);

  test('sees which dimension matters, and predicts what it has not seen', () => {
    const f = ([x]: readonly number[]): number => Math.sin(5 * x);
    const process = fitGaussianProcess(grid, grid.map(f), 3);
    const [length, idle] = process.hyperparameters.lengths;
    expect(idle).toBeGreaterThan(5 * length);
    for (const point of [
      [0.3, 0.6],
      [0.9, 0.1],
    ])
      expect(process.predict(point).mean).toBeCloseTo(f(point), 1);
  });

  test('is at least as likely as its start', () => {
    const values = grid.map(([x, y]) => Math.cos(3 * x) + y * y);
    expect(fitGaussianProcess(grid, values, 3).logLikelihood).toBeGreaterThanOrEqual(
      conditionProcess(grid, values, { lengths: [0.5, 0.5], noise: 1e-3 }).logLikelihood,
    );
  });

  test('reproduces measurements, and is unsure away from them', () => {
    const points = [0, 0.1, 0.2, 0.3, 0.4].map((x) => [x]);
    const process = fitGaussianProcess(
      points,
      points.map(([x]) => Math.sin(12 * x)),
      1,
    );
    expect(process.predict([0.2]).mean).toBeCloseTo(Math.sin(2.4), 2);
    expect(process.predict([1]).deviation).toBeGreaterThan(10 * process.predict([0.2]).deviation);
  });

  test('survives one measurement, equal measurements and equal points', () => {
    expect(fitGaussianProcess([[0.5]], [7], 1).predict([0.2]).mean).toBeCloseTo(7, 12);
    expect(fitGaussianProcess([[0.1], [0.5], [0.9]], [2, 2, 2], 1).predict([0.3]).mean).toBeCloseTo(2, 12);
    expect(fitGaussianProcess([[0.5], [0.5], [0.5]], [1, 2, 3], 1).predict([0.5]).mean).toBeCloseTo(2, 2);
  });

  test('is the same for a seed', () => {
    const values = grid.map(([x, y]) => x * y);
    expect(fitGaussianProcess(grid, values, 9).hyperparameters).toEqual(fitGaussianProcess(grid, values, 9).hyperparameters);
  });

  test('refuses what is not finite', () => {
    expect(() => fitGaussianProcess([[0.1], [0.2]], [1, Number.NaN], 1)).toThrow(/expected finite values, got NaN/);
  });
});

test('a believed measurement narrows the posterior and leaves its mean', () => {
  const process = conditionProcess(POINTS, VALUES, { lengths: [0.4, 0.4], noise: 1e-3 });
  const point = [0.2, 0.6];
  const before = process.predict(point);
  const after = process.extend([point], [before.mean]).predict(point);
  expect(after.deviation).toBeLessThan(0.2 * before.deviation);
  expect(after.mean).toBeCloseTo(before.mean, 2);
});
