import { describe, expect, test } from 'vitest';
import { bfloatToFloat, floatToBfloat, floatToHalf, halfToFloat } from '../../src/core/half.ts';

const ALL = Uint16Array.from({ length: 65_536 }, (_, i) => i);

/** The value of a 16-bit float by its definition: sign, exponent and fraction bits. */
function valueOf(bits: number, exponentBits: number): number {
  const fractionBits = 15 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits & 0x7fff) >>> fractionBits;
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const FORMATS = [
  { name: 'half', exponentBits: 5, widen: halfToFloat, narrow: floatToHalf },
  { name: 'bfloat16', exponentBits: 8, widen: bfloatToFloat, narrow: floatToBfloat },
];

describe.each(FORMATS)('$name', ({ exponentBits, widen, narrow }) => {
  test('widens all 65,536 words to the value of their definition', () => {
    const values = widen(ALL);
    const wrong = [...ALL].filter((bits) => !Object.is(values[bits], valueOf(bits, exponentBits)));
    expect(wrong).toEqual([]);
  });

  test('narrows every widened word to itself, NaN to NaN', () => {
    const back = narrow(widen(ALL));
    const wrong = [...ALL].filter((bits) =>
      Number.isNaN(valueOf(bits, exponentBits)) ? !Number.isNaN(valueOf(back[bits], exponentBits)) : back[bits] !== bits,
    );
    expect(wrong).toEqual([]);
  });

  test('rounds to nearest, ties to even, between all neighbours', () => {
    // The neighbours of the largest finite word are left out: its upper one is infinity.
    const largest = ((2 ** exponentBits - 1) << (15 - exponentBits)) - 1;
    for (let bits = 0; bits < largest; bits++) {
      const [low, high] = [valueOf(bits, exponentBits), valueOf(bits + 1, exponentBits)];
      const middle = low + (high - low) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      const points = Float32Array.of(low + (high - low) * 0.25, middle, low + (high - low) * 0.75, -middle);
      expect([...narrow(points)], `between ${low} and ${high}`).toEqual([bits, even, bits + 1, even | 0x8000]);
    }
  });

  test('overflows to infinity from halfway beyond the largest finite value', () => {
    const infinity = (2 ** exponentBits - 1) << (15 - exponentBits);
    const largest = valueOf(infinity - 1, exponentBits);
    const halfStep = (largest - valueOf(infinity - 2, exponentBits)) / 2;
    expect([...narrow(Float32Array.of(largest + halfStep, -largest - halfStep, largest + halfStep / 2, Infinity))]).toEqual([
      infinity,
      infinity | 0x8000,
      infinity - 1,
      infinity,
    ]);
  });
});

test('golden halves', () => {
  expect([...floatToHalf(Float32Array.of(1, -2, 65_504, 2 ** -24, 2 ** -25, -0, 1 / 3))]).toEqual([
    0x3c00, 0xc000, 0x7bff, 1, 0, 0x8000, 0x3555,
  ]);
});

test('a signalling NaN with a small payload stays a NaN', () => {
  const signalling = new Float32Array(Uint32Array.of(0x7f800001).buffer);
  expect(floatToHalf(signalling)[0] & 0x3ff).not.toBe(0);
  expect(floatToBfloat(signalling)[0] & 0x7f).not.toBe(0);
});
