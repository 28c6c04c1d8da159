import { describe, expect, test } from 'vitest';
import { equalText } from '../../../src/core/keys/equal-text.ts';
import { isAccountId, KEY_BYTES, keyText, parseKeyText, textOf } from '../../../src/core/keys/key-text.ts';

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 37) % 256);
const account = textOf(bytes(KEY_BYTES.account));
const id = account + textOf(bytes(KEY_BYTES.key));
const key = keyText(id, textOf(bytes(KEY_BYTES.secret)));

describe('a key', () => {
  test('leads to its id and its account', () => {
    expect(parseKeyText(key)).toEqual({ id, account });
    expect(isAccountId(account)).toBe(true);
  });

  test('has 260 bits of secret, each byte five of them', () => {
    expect(new Set(Array.from({ length: 256 }, (_, byte) => textOf(Uint8Array.of(byte))))).toHaveProperty('size', 32);
    expect(KEY_BYTES.secret * 5).toBe(260);
  });

  test.each(['', key.slice(1), `${key}0`, key.toUpperCase(), key.replace('tr_', 'xx_'), key.replace(/.$/, 'u'), `${key}\n`])(
    '%j is none',
    (text) => {
      expect(parseKeyText(text)).toBeUndefined();
    },
  );
});

test.each([
  ['', '', true],
  ['a', 'a', true],
  ['a', '', false],
  ['', 'a', false],
  ['ab', 'aa', false],
  ['aba', 'ab', false],
  ['ab', 'aba', false],
] as const)('equalText(%j, %j) is %s', (a, b, equal) => {
  expect(equalText(a, b)).toBe(equal);
});
