import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressOf, readAddress } from '../../../src/page/app/address.ts';

test('an address is read as it was written, whatever its parts', () => {
  const part = fc.string({ minLength: 1, unit: 'grapheme' });
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      expect(readAddress(addressOf(...parts))).toEqual(parts);
    }),
  );
});

test.each([
  ['', []],
  ['#', []],
  ['#/usage//accounts/', ['usage', 'accounts']],
  ['#/a%zz', ['a%zz']],
] as const)('%j has the parts %j', (hash, parts) => expect(readAddress(hash)).toEqual(parts));
