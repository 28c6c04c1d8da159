import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokenizer, type Tokenizer } from '../../src/formats/tokenizer.ts';
import { hasShared, sharedPath } from '../helpers/shared.ts';
import { makeTinyModels, type TinyModels } from '../helpers/tiny-bert.ts';

let tiny: TinyModels;
let json: string;
let config: string;
beforeAll(async () => {
  tiny = await makeTinyModels();
  json = await readFile(join(tiny.base, 'tokenizer.json'), 'utf8');
  config = await readFile(join(tiny.base, 'tokenizer_config.json'), 'utf8');
});
afterAll(() => tiny.remove());

const make = (maxTokens: number): Tokenizer => createTokenizer(json, config, maxTokens);
/** Encodings as token texts. */
const tokensOf = (ids: Int32Array): string[] => {
  const vocabulary = Object.entries<number>(JSON.parse(json).model.vocab);
  return [...ids].map((id) => vocabulary.find(([, one]) => one === id)?.[0] ?? '?');
};

test('encodes one text', () => {
  const { ids, types, truncated } = make(10).encode('The FILM, bad');
  expect(tokensOf(ids)).toEqual(['[CLS]', 'the', 'film', ',', 'bad', '[SEP]']);
  expect([...types]).toEqual([0, 0, 0, 0, 0, 0]);
  expect(truncated).toBe(false);
});

test('encodes a pair with its segments, an empty pair too', () => {
  const pair = make(10).encode('good', 'bad film');
  expect(tokensOf(pair.ids)).toEqual(['[CLS]', 'good', '[SEP]', 'bad', 'film', '[SEP]']);
  expect([...pair.types]).toEqual([0, 0, 0, 1, 1, 1]);
  const empty = make(10).encode('good', '');
  expect(tokensOf(empty.ids)).toEqual(['[CLS]', 'good', '[SEP]', '[SEP]']);
  expect([...empty.types]).toEqual([0, 0, 0, 1]);
});

test('cuts one text on the right and says so', () => {
  const { ids, truncated } = make(5).encode('the film was good bad');
  expect(tokensOf(ids)).toEqual(['[CLS]', 'the', 'film', 'was', '[SEP]']);
  expect(truncated).toBe(true);
  expect(make(7).encode('the film was good bad').truncated).toBe(false);
});

test('cuts the longer of a pair first', () => {
  const { ids, truncated } = make(8).encode('good', 'the film was bad the film');
  expect(tokensOf(ids)).toEqual(['[CLS]', 'good', '[SEP]', 'the', 'film', 'was', 'bad', '[SEP]']);
  expect(truncated).toBe(true);
});

test('tells the longer of two texts that are both too long', () => {
  const [long, longer] = ['bad '.repeat(20), 'good '.repeat(21)];
  expect(tokensOf(make(8).encode(long, longer).ids)).toEqual(['[CLS]', 'bad', 'bad', '[SEP]', 'good', 'good', 'good', '[SEP]']);
  expect(tokensOf(make(8).encode(longer, long).ids)).toEqual(['[CLS]', 'good', 'good', 'good', '[SEP]', 'bad', 'bad', '[SEP]']);
});

test('a text that is read in pieces has the tokens of the whole', () => {
  const words = Array.from({ length: 3000 }, (_, i) => ['the', 'film.', 'b\u0301ad', '\u6f22good', '[SEP]x', 'w\u0000as'][i % 6]);
  const whole = make(40_000).encode(words.join('\n '));
  const each = words.flatMap((word) => Array.from(make(40).encode(word).ids.subarray(1, -1)));
  expect(Array.from(whole.ids.subarray(1, -1))).toEqual(each);
});

test('says so when it left out the end of a run without white space', () => {
  expect(make(32).encode(`good ${'a'.repeat(5000)}`)).toMatchObject({ truncated: true });
  expect(make(32).encode(`good ${'a'.repeat(4000)}`)).toMatchObject({ truncated: false });
});

describe('texts made to hurt are answered', () => {
  const size = 1 << 20;
  const cases: [string, string][] = [
    ['empty', ''],
    ['only white space', ' \t\n'.repeat(size / 3)],
    ['one long word', 'a'.repeat(size)],
    ['long unknown words', `${'x'.repeat(99)} `.repeat(size / 100)],
    ['ideographs', '\u6f22'.repeat(size)],
    ['control characters', '\u0001'.repeat(size)],
    ['lone surrogates', '\ud800'.repeat(size)],
    ['emoji', '\u{1f600}'.repeat(size / 2)],
    ['marks that Unicode reorders', `a${'\u0301'.repeat(size / 2)}${'\u0323'.repeat(size / 2)}`],
    ['words of marks that Unicode reorders', `a${'\u0301'.repeat(2000)}${'\u0323'.repeat(2000)} `.repeat(size / 4002)],
    ['special tokens', '[SEP]'.repeat(size / 5)],
  ];
  // Without bounds some of these take minutes, so the suite's time limit is the assertion.
  test.each(cases)('%s', (_name, text) => {
    const { ids, types } = make(32).encode(text, text);
    expect(ids.length).toBeLessThanOrEqual(32);
    expect(ids.length).toBeGreaterThanOrEqual(3);
    expect(types.length).toBe(ids.length);
  });
});

describe('what is no BERT tokenizer is refused', () => {
  const changed = (change: object): string => JSON.stringify({ ...JSON.parse(json), ...change });
  test.each([
    ['no JSON', () => '{', 'format'],
    ['no model', () => changed({ model: undefined }), 'format'],
    ['a vocabulary of texts', () => changed({ model: { type: 'WordPiece', unk_token: 'a', vocab: { a: 'b' } } }), 'format'],
    ['another model', () => changed({ model: { type: 'BPE', unk_token: 'a', vocab: { a: 0 }, merges: [] } }), 'unsupported'],
    ['another normaliser', () => changed({ normalizer: { type: 'NFC' } }), 'unsupported'],
    ['an unknown post-processor', () => changed({ post_processor: { type: 'Magic' } }), 'format'],
    [
      'a vocabulary without its unknown token',
      () => changed({ model: { type: 'WordPiece', unk_token: 'nowhere', vocab: { a: 0 } } }),
      'format',
    ],
  ])('%s', (_name, text, code) => {
    expect(() => createTokenizer(text(), config, 16)).toThrow(expect.objectContaining({ code }));
  });

  test('a length without room for a pair', () => {
    expect(() => make(4)).toThrow(expect.objectContaining({ code: 'config' }));
    expect(make(5).encode('a', 'b').ids.length).toBe(5);
  });
});

test('counts the rows that an embedding table needs', () => {
  expect(make(16).vocabularySize).toBe(tiny.config.vocab_size);
});

const hasOracle = hasShared('oracles/experts.json') && hasShared('models/base/tokenizer.json');
test.skipIf(!hasOracle)('ids and segments of 256 rows equal PyTorch’s (skipped without ../shared)', () => {
  const read = (file: string): string => readFileSync(sharedPath(file), 'utf8');
  const tokenizer = createTokenizer(read('models/base/tokenizer.json'), read('models/base/tokenizer_config.json'), 128);
  const oracle: { experts: Record<string, { text: string; text_pair?: string; input_ids: number[]; token_type_ids: number[] }[]> } =
    JSON.parse(read('oracles/experts.json'));
  const rows = Object.values(oracle.experts).flat();
  expect(rows.length).toBe(256);
  for (const { text, text_pair: pair, input_ids: ids, token_type_ids: types } of rows) {
    const encoded = tokenizer.encode(text, pair);
    expect({ text, ids: [...encoded.ids], types: [...encoded.types] }).toEqual({ text, ids, types });
  }
  expect(tokenizer.vocabularySize).toBe(30_522);
});
