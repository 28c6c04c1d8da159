import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseEncoding, compress, decompress } from '../../../src/formats/oip/compression.ts';

const LIMIT = 1 << 16;
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'read',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : String(error)),
  );

test('reads what zlib wrote, and writes what zlib reads', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
      expect(await decompress(gzipSync(bytes), 'gzip', LIMIT)).toEqual(bytes);
      expect(await decompress(deflateSync(bytes), ' Deflate ', LIMIT)).toEqual(bytes);
      expect(Uint8Array.from(gunzipSync(await compress(Uint8Array.from(bytes), 'gzip')))).toEqual(bytes);
      expect(Uint8Array.from(inflateSync(await compress(Uint8Array.from(bytes), 'deflate')))).toEqual(bytes);
    }),
    { seed: 3, numRuns: 25 },
  );
});

test('a body without an encoding is itself', async () => {
  const bytes = Uint8Array.of(1, 2, 3);
  for (const encoding of [undefined, '', 'identity']) expect(await decompress(bytes, encoding, LIMIT)).toBe(bytes);
});

test.each([
  ['an encoding that nobody knows', Uint8Array.of(1), 'br'],
  ['two encodings', gzipSync('a'), 'gzip, gzip'],
  ['bytes that are not gzip', new TextEncoder().encode('{"inputs": []}'), 'gzip'],
  ['raw deflate, which has no header', deflateRawSync('abc'), 'deflate'],
  ['a body that is cut off', gzipSync('abcdef').subarray(0, 15), 'gzip'],
  ['bytes behind the end', Buffer.concat([gzipSync('abc'), Buffer.from('def')]), 'gzip'],
  ['nothing', new Uint8Array(0), 'gzip'],
])('refuses %s', async (_, bytes, encoding) => {
  expect(await code(decompress(bytes, encoding, LIMIT))).toBe('invalid_request');
});

test('a small body that holds a large one is refused, and not all of it is decoded', async () => {
  const bomb = gzipSync(new Uint8Array(256 << 20));
  expect(bomb.length).toBeLessThan(300_000);
  const before = process.memoryUsage().arrayBuffers;
  expect(await code(decompress(bomb, 'gzip', LIMIT))).toBe('too_large');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
  expect(await code(decompress(gzipSync(new Uint8Array(LIMIT)), 'gzip', LIMIT))).toBe('read');
  expect(await code(decompress(gzipSync(new Uint8Array(LIMIT + 1)), 'gzip', LIMIT))).toBe('too_large');
});

test.each([
  ['gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['deflate, gzip;q=0.5', 'gzip'],
  ['gzip;q=0, deflate', 'deflate'],
  ['br, GZIP', 'gzip'],
  ['br', undefined],
  ['identity', undefined],
  ['gzip;q=nonsense', undefined],
  ['', undefined],
  [undefined, undefined],
])('%s asks for %s', (accepted, encoding) => {
  expect(chooseEncoding(accepted, 5000)).toBe(encoding);
  expect(chooseEncoding(accepted, 100)).toBeUndefined();
});
