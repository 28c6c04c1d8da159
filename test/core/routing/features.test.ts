// Feature ids are part of a pack's format: golden values, and every string as input.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createExtractor, type FeatureOptions } from '../../../src/core/routing/features.ts';

const OPTIONS: FeatureOptions = { buckets: 1 << 16, word_ngrams: 2, char_ngrams: [2, 4], max_chars: 512 };
const extract = createExtractor(OPTIONS);

/** A short stable summary of a bag: how many features, their first ids, and a hash over all ids. */
function summary(text: string, pair?: string): { count: number; first: number[]; hash: number } {
  const { ids } = extract(text, pair);
  return { count: ids.length, first: [...ids.subarray(0, 4)], hash: ids.reduce((hash, id) => (Math.imul(hash, 31) + id) | 0, 7) };
}

const GOLDEN = [
  {
    title: 'a sentence',
    text: "Who wrote 'Emma' ?",
    pair: undefined,
    expected: { count: 82, first: [64567, 43713, 64718, 16138], hash: -1118788611 },
  },
  {
    title: 'a pair',
    text: 'A cat sleeps.',
    pair: 'The cat is asleep.',
    expected: { count: 124, first: [64567, 18514, 40661, 61228], hash: 1488324721 },
  },
  { title: 'empty', text: '', pair: undefined, expected: { count: 18, first: [64567, 33801, 52423, 60869], hash: 1745052541 } },
  {
    title: 'spaces alone',
    text: ' \t\n\u00a0\u3000',
    pair: undefined,
    expected: { count: 32, first: [64567, 33801, 52423, 60994], hash: 652517129 },
  },
  {
    title: 'a lone high surrogate',
    text: 'a\ud83db',
    pair: undefined,
    expected: { count: 28, first: [64567, 10602, 15228, 39399], hash: 1225294803 },
  },
  {
    title: 'a lone low surrogate',
    text: '\ude00',
    pair: undefined,
    expected: { count: 22, first: [64567, 25762, 8673, 22433], hash: -1901233302 },
  },
  {
    title: 'right to left',
    text: 'שלום עולם، مرحبا',
    pair: undefined,
    expected: { count: 71, first: [64567, 29994, 33550, 48648], hash: -1131342905 },
  },
  {
    title: 'combining marks',
    text: 'e\u0301te\u0301',
    pair: undefined,
    expected: { count: 33, first: [64567, 9142, 5271, 21271], hash: 5186113 },
  },
  {
    title: 'NUL and controls',
    text: '\u0000\u0001a\u0000',
    pair: undefined,
    expected: { count: 36, first: [64567, 63280, 32392, 61520], hash: -541779067 },
  },
  {
    title: 'an emoji',
    text: 'so good 😀!!',
    pair: undefined,
    expected: { count: 62, first: [64567, 56955, 17587, 24729], hash: 1081058347 },
  },
];

describe('golden ids', () => {
  test.each(GOLDEN)('$title', ({ text, pair, expected }) => {
    expect(summary(text, pair)).toEqual(expected);
  });
});

const anyText = fc.string({ unit: 'binary', maxLength: 80 });

describe('every string', () => {
  test('ids are in range, weights finite and positive, groups of length 1, 1 and 3', () => {
    fc.assert(
      fc.property(anyText, fc.option(anyText, { nil: undefined }), (text, pair) => {
        const { ids, weights } = extract(text, pair);
        expect(ids.length).toBe(weights.length);
        expect(ids.every((id) => id >= 0 && id < OPTIONS.buckets)).toBe(true);
        expect(weights.every((weight) => weight > 0 && Number.isFinite(weight))).toBe(true);
        expect(weights.reduce((sum, weight) => sum + weight * weight, 0)).toBeCloseTo(1 + 1 + 9, 3);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('an input leaves no trace in the next one', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, other) => {
        const before = extract(text);
        extract(other, text);
        expect(extract(text)).toEqual(before);
        expect(createExtractor(OPTIONS)(text)).toEqual(before);
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  test('1 MB is read up to max_chars', () => {
    const text = 'word '.repeat(200_000);
    expect(extract(text, text)).toEqual(extract(text.slice(0, OPTIONS.max_chars), text.slice(0, OPTIONS.max_chars)));
  });

  test('the most features that fit do fit', () => {
    const letters = (from: number): string =>
      Array.from({ length: 600 }, (_, i) => (i % 2 === 0 ? String.fromCharCode(from + i) : '!')).join('');
    const { ids } = createExtractor({ buckets: 1 << 22, word_ngrams: 5, char_ngrams: [1, 8], max_chars: 600 })(
      letters(0x4e00),
      letters(0x6000),
    );
    expect(ids.length).toBeGreaterThan(10_000);
    expect(ids.at(-1)).toBeGreaterThan(0);
  });
});

test.each<{ what: string; a: readonly [string, string?]; b: readonly [string, string?] }>([
  { what: 'case', a: ['Apple'], b: ['apple'] },
  { what: 'space before a mark', a: ['end .'], b: ['end.'] },
  { what: 'which text of a pair is which', a: ['a b', 'c'], b: ['c', 'a b'] },
  { what: 'an empty second text from none', a: ['a'], b: ['a', ''] },
])('features tell $what', ({ a, b }) => {
  expect(extract(...a)).not.toEqual(extract(...b));
});
