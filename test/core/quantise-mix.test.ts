import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { quantiseMix } from '../../src/core/quantise-mix.ts';

test('weights move by less than a step, and weights that add up to 1 still do', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.boolean(),
      (raw, steps, whole) => {
        const sum = raw.reduce((total, value) => total + value, 0);
        const mix = Float32Array.from(raw, (value) => (sum === 0 ? 0 : value / sum / (whole ? 1 : 2)));
        const result = quantiseMix(mix, steps);
        for (const [e, value] of result.entries()) expect(Math.abs(value - mix[e] * steps)).toBeLessThan(1 + 1e-3);
        const total = mix.reduce((all, value) => all + value, 0);
        expect(result.reduce((all, value) => all + value, 0)).toBe(
          Math.round(Array.from(mix).reduce((all, value) => all + value * steps, 0)),
        );
        expect(result.reduce((all, value) => all + value, 0)).toBeLessThanOrEqual(total > 0.75 ? steps : Math.ceil(steps / 2));
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

test('one-hot, empty and even mixes', () => {
  expect(quantiseMix(Float32Array.of(0, 1, 0), 256)).toEqual(Int32Array.of(0, 256, 0));
  expect(quantiseMix(Float32Array.of(0, 0), 256)).toEqual(Int32Array.of(0, 0));
  expect(quantiseMix(Float32Array.of(1 / 3, 1 / 3, 1 / 3), 256)).toEqual(Int32Array.of(86, 85, 85));
});
