import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ComponentAxis, dequantise, factorBytes, packNibbles, quantise, unpackNibbles } from '../../../src/core/compress/quantise.ts';
import { gaussian, squaredDistance, worstDifference } from '../linalg/matrices.ts';

const AXES: readonly ComponentAxis[] = ['columns', 'rows'];

describe('quantise', () => {
  test('fp32 is exact and owns its bytes', () => {
    const a = gaussian(5, 3, 1);
    const stored = quantise(a, 'fp32', 'columns');
    expect(dequantise(stored)).toEqual(a);
    expect(stored.data).not.toBe(a.data);
  });

  test('fp16 is within half a unit in the last place, and refuses what it cannot hold', () => {
    const a = gaussian(50, 7, 2);
    const back = dequantise(quantise(a, 'fp16', 'columns'));
    a.data.forEach((value, i) => expect(Math.abs(back.data[i] - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11 + 2 ** -25));
    for (const value of [65_536, -Infinity, NaN]) {
      expect(() => quantise({ rows: 1, cols: 1, data: Float32Array.of(value) }, 'fp16', 'rows')).toThrow(/fp16/);
    }
  });

  test.each(AXES)('int8 by %s: every entry within half a step of its own component', (axis) => {
    const a = gaussian(9, 6, 3);
    // Components of very unlike size: one common scale would lose the small ones.
    a.data.forEach((value, i) => (a.data[i] = value * 10 ** -(axis === 'columns' ? i % 6 : Math.floor(i / 6))));
    const stored = quantise(a, 'int8', axis);
    if (stored.format !== 'int8') throw new Error(stored.format);
    expect(stored.scales.length).toBe(axis === 'columns' ? 6 : 9);
    const back = dequantise(stored);
    a.data.forEach((value, i) => {
      const scale = stored.scales[axis === 'columns' ? i % 6 : Math.floor(i / 6)];
      expect(Math.abs(back.data[i] - value)).toBeLessThanOrEqual(scale * 0.5001);
    });
    expect(Math.max(...stored.data.map(Math.abs))).toBe(127);
  });

  test.each(AXES)('int4 by %s: no worse than the scale of the largest entry, better with an outlier', (axis) => {
    const a = gaussian(40, 40, 4);
    a.data[0] = 6;
    const error = squaredDistance(dequantise(quantise(a, 'int4', axis)).data, a.data);
    let plain = 0;
    for (let c = 0; c < 40; c++) {
      const values = Array.from({ length: 40 }, (_, i) => a.data[axis === 'columns' ? i * 40 + c : c * 40 + i]);
      const scale = Math.max(...values.map(Math.abs)) / 7;
      plain += squaredDistance(
        values.map((value) => Math.round(value / scale) * scale),
        values,
      );
    }
    expect(error).toBeLessThan(plain * 0.95);
  });

  test.each(['int8', 'int4'] as const)('%s keeps a zero component zero, and empty and odd shapes whole', (format) => {
    const a = { rows: 3, cols: 3, data: Float32Array.of(1, 0, 2, 3, 0, 4, 5, 0, 6) };
    const back = dequantise(quantise(a, format, 'columns'));
    expect([back.data[1], back.data[4], back.data[7]]).toEqual([0, 0, 0]);
    expect(worstDifference(back.data, a.data)).toBeLessThan(0.5);
    expect(dequantise(quantise({ rows: 4, cols: 0, data: new Float32Array(0) }, format, 'columns'))).toEqual({
      rows: 4,
      cols: 0,
      data: new Float32Array(0),
    });
  });

  test('a component of denormals does not become NaN', () => {
    const back = dequantise(quantise({ rows: 1, cols: 2, data: Float32Array.of(1e-45, -1e-45) }, 'int8', 'rows'));
    expect([...back.data].every(Number.isFinite)).toBe(true);
  });

  test('bytes: scales included, two codes a byte', () => {
    const a = gaussian(5, 3, 5);
    expect((['fp32', 'fp16', 'int8', 'int4'] as const).map((format) => factorBytes(quantise(a, format, 'columns')))).toEqual([
      60, 30, 27, 20,
    ]);
  });
});

describe('nibbles', () => {
  test('the low nibble comes first, in two’s complement', () => {
    expect([...packNibbles(Int8Array.of(1, -1, 7, -7, -2))]).toEqual([0xf1, 0x97, 0x0e]);
  });

  test('unpacking inverts packing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -8, max: 7 }), { maxLength: 33 }), (codes) => {
        expect([...unpackNibbles(packNibbles(Int8Array.from(codes)), codes.length)]).toEqual(codes);
      }),
      { seed: 4 },
    );
  });
});
