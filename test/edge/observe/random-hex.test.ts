import { expect, test } from 'vitest';
import { randomHex } from '../../../src/edge/observe/random-hex.ts';

test('ids are of the length that was asked for, and none comes twice', () => {
  const ids = Array.from({ length: 2_000 }, (_, i) => randomHex(i % 2 === 0 ? 16 : 8));
  expect(ids.every((id, i) => id.length === (i % 2 === 0 ? 32 : 16) && /^[0-9a-f]+$/.test(id))).toBe(true);
  expect(new Set(ids.map((id) => id.slice(0, 16))).size).toBe(2_000);
});
