// tokenizer.json of BERT-family models: text to token ids and segment ids, cut to a length the way Hugging Face's fast tokenizers cut.
// The library tokenises; it neither truncates nor bounds its work, so this file does. Measured on 2 cores, November 2026: 1 MiB of
// 99-letter words takes the library 11 s, and Unicode's reordering of combining marks is quadratic in a run of them. So a text is read
// piece by piece, only as far as its tokens can matter.

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import * as z from 'zod/mini';
import { messageOf, TwinrouteError } from '../core/errors.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { cutLongestFirst } from './truncation.ts';

/** Characters that are tokenised at once; a piece ends at white space, so it may be longer. */
const PIECE_CHARS = 2048;
/**
 * A run without white space is read this far, or as far as `maxTokens` asks. A longer one is data rather than language, and a word of more than
 * 100 letters is [UNK] whatever its length.
 */
const MIN_RUN_CHARS = 4096;
/**
 * What exceeds 64 combining marks and control characters in sequence is dropped. The normaliser deletes accents and controls anyway, and no
 * language writes more than 30 marks on a letter. Source: Unicode Standard Annex 15, Stream-Safe Text Format.
 */
const LONG_MARKS = /(?<=[\p{M}\p{C}]{64})[\p{M}\p{C}]+/gu;
/** A text is read until it has this many times the tokens that fit: the longer of two long texts gets the odd token. */
const READ_FACTOR = 8;

/** An encoded text or pair. */
export interface Encoding {
  /** `[T]` with `[CLS]` and `[SEP]` */
  readonly ids: Int32Array;
  /** `[T]`, the segment of each token */
  readonly types: Int32Array;
  /** Whether a part of the text was left out. */
  readonly truncated: boolean;
}

/** Encodes texts for a model. */
export interface Tokenizer {
  /** Rows that an embedding table needs. */
  readonly vocabularySize: number;
  /**
   * `[CLS] text [SEP]` or `[CLS] text [SEP] pair [SEP]`, at most `maxTokens` tokens. Any string is encodable, the empty one too.
   * Cost: O(characters until enough tokens are read); the worst pairs of 1 MiB found, without a single token, take 0.6 s
   */
  encode(text: string, pair?: string): Encoding;
}

const TokenizerJson = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int().check(z.minimum(0)), content: z.string().check(z.minLength(1)) })),
  model: z.looseObject({
    type: z.string(),
    unk_token: z.string(),
    vocab: z.record(z.string(), z.int().check(z.minimum(0), z.maximum(1 << 24))),
  }),
  normalizer: z.looseObject({ type: z.string() }),
  pre_tokenizer: z.looseObject({ type: z.string() }),
  post_processor: z.looseObject({ type: z.string() }),
  decoder: z.unknown(),
});

/**
 * The tokenizer of a `tokenizer.json`. Its own truncation and padding are ignored.
 * @param maxTokens longest encoding, special tokens counted
 * @throws {TwinrouteError} `format` when the texts do not fit; `unsupported` for one that is not BERT's WordPiece; `config` when `maxTokens`
 * leaves no room
 */
export function createTokenizer(tokenizerJson: string, tokenizerConfigJson: string, maxTokens: number): Tokenizer {
  const json = parseJsonWith(TokenizerJson, tokenizerJson, 'tokenizer.json', 'format');
  const config = parseJsonWith(z.looseObject({}), tokenizerConfigJson, 'tokenizer_config.json', 'format');
  const kinds = [json.normalizer.type, json.pre_tokenizer.type, json.model.type].join(', ');
  if (kinds !== 'BertNormalizer, BertPreTokenizer, WordPiece') {
    throw new TwinrouteError('unsupported', `tokenizer.json: expected BertNormalizer, BertPreTokenizer, WordPiece, got ${kinds}`);
  }
  const { tokenize, join, idOf } = open(json, config);
  const room = { single: maxTokens - join([], null).tokens.length, pair: maxTokens - join([], []).tokens.length };
  if (room.pair < 2)
    throw new TwinrouteError(
      'config',
      `createTokenizer: expected room for two tokens beside ${maxTokens - room.pair} special ones, got ${maxTokens} tokens`,
    );
  const read = { tokens: READ_FACTOR * maxTokens, runChars: Math.max(MIN_RUN_CHARS, READ_FACTOR * maxTokens) };
  return {
    vocabularySize: 1 + [...Object.values(json.model.vocab), ...json.added_tokens.map(({ id }) => id)].reduce((a, b) => Math.max(a, b), -1),
    encode(text, pair) {
      const first = readTokens(text, tokenize, read);
      const second = pair === undefined ? undefined : readTokens(pair, tokenize, read);
      const lengths = [first.tokens.length, second?.tokens.length ?? 0] as const;
      const kept = second === undefined ? [Math.min(lengths[0], room.single), 0] : cutLongestFirst(...lengths, room.pair);
      const { tokens, types } = join(first.tokens.slice(0, kept[0]), second?.tokens.slice(0, kept[1]) ?? null);
      const truncated = first.isCut || second?.isCut === true || kept[0] < lengths[0] || kept[1] < lengths[1];
      return { ids: Int32Array.from(tokens, idOf), types: Int32Array.from(types), truncated };
    },
  };
}

/** Tokens of a text without special ones, more than `limit.tokens` of them when it has more, and whether a long run was cut. */
function readTokens(
  text: string,
  tokenize: (text: string) => string[],
  limit: { tokens: number; runChars: number },
): { tokens: string[]; isCut: boolean } {
  const tokens: string[] = [];
  let isCut = false;
  // BERT's words end at white space, whatever surrounds it, so pieces that end there have the tokens of the whole. Only these four
  // characters are white space to every step; others (U+FEFF, U+0085) are deleted as control characters first.
  const runs = /[^ \t\n\r]+/g;
  let piece = '';
  for (let run = runs.exec(text); run !== null && tokens.length <= limit.tokens; run = runs.exec(text)) {
    isCut ||= run[0].length > limit.runChars;
    piece += `${run[0].slice(0, limit.runChars).replace(LONG_MARKS, '')} `;
    if (piece.length < PIECE_CHARS) continue;
    for (const token of tokenize(piece)) tokens.push(token);
    piece = '';
  }
  if (piece !== '') for (const token of tokenize(piece)) tokens.push(token);
  return { tokens, isCut };
}

interface Opened {
  readonly tokenize: (text: string) => string[];
  readonly join: (first: string[], second: string[] | null) => { tokens: string[]; types: readonly number[] };
  readonly idOf: (token: string) => number;
}

function open(json: z.infer<typeof TokenizerJson>, config: object): Opened {
  let tokenizer: HuggingFaceTokenizer;
  try {
    tokenizer = new HuggingFaceTokenizer(json, config);
  } catch (cause) {
    throw new TwinrouteError('format', `tokenizer.json: expected a tokenizer, got: ${messageOf(cause)}`, { cause });
  }
  const { post_processor: process } = tokenizer;
  const unknownId = tokenizer.token_to_id(json.model.unk_token);
  if (process === null || unknownId === undefined)
    throw new TwinrouteError('format', `tokenizer.json: expected a post_processor and a token ${json.model.unk_token}, got none`);
  return {
    tokenize: (text) => tokenizer.tokenize(text),
    join(first, second) {
      const { tokens, token_type_ids: types = [] } = process.post_process(first, second, true);
      return { tokens, types };
    },
    idOf: (token) => tokenizer.token_to_id(token) ?? unknownId,
  };
}
