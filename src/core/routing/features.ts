// Features of raw text: what the light router reads. The same code trains, serves and benchmarks, so the ids of a text are part of a
// pack's format: a change here needs a new version in the manifest.
// Words keep their case, character n-grams do not, and shape (shape.ts) stands beside them.

import { type Bag, type BagBuilder, createBagBuilder } from './bag.ts';
import { MARK, SPACE, foldUnit, kindOf } from './characters.ts';
import { MAX_SHAPE, type TextShape, emitPairShape, emitTextShape } from './shape.ts';

/** How features are made; contract/manifest.ts has the schema. */
export interface FeatureOptions {
  /** Rows of the embedding table; a power of two. */
  readonly buckets: number;
  /** Longest word n-gram. */
  readonly word_ngrams: number;
  /** Shortest and longest character n-gram. */
  readonly char_ngrams: readonly [number, number];
  /** UTF-16 units read of each text. */
  readonly max_chars: number;
}

/** Makes the bag of a text or a pair. Any string will do, lone surrogates and NUL included. */
export type Extract = (text: string, pair?: string) => Bag;

/** Length of each group's weights. Shape outweighs content: pairs are told apart better from 1 to 3, single texts no worse. */
const WORDS = 1;
const CHARACTERS = 1;
const SHAPE = 3;

/**
 * An extractor with its own buffers.
 * Cost: O(n · units) an input, n how many lengths of n-grams; memory 4 bytes a bucket and 8 bytes a feature, once
 */
export function createExtractor(options: FeatureOptions): Extract {
  const {
    buckets,
    word_ngrams: longest,
    char_ngrams: [from, to],
    max_chars: maxChars,
  } = options;
  const bag = createBagBuilder(buckets, 2 * (maxChars + 2) * (longest + to - from + 1) + MAX_SHAPE + 1);
  const emit = (property: number, value: number): void => bag.add(Math.imul(property * 1000 + value + 1, GOLDEN));
  return (text, pair) => {
    const texts = pair === undefined ? [text] : [text, pair];
    const lengths = texts.map((part) => Math.min(part.length, maxChars));
    const words = texts.map((part, i) => addWords(bag, part, lengths[i], longest));
    bag.endGroup(WORDS);
    for (const [i, part] of texts.entries()) addCharacters(bag, part, lengths[i], from, to);
    bag.endGroup(CHARACTERS);
    emit(0, texts.length);
    const shapes = texts.map((part, i): TextShape => {
      const { count, vocabulary } = words[i];
      const slot = texts.length === 1 ? 0 : i + 1;
      return { units: lengths[i], ending: emitTextShape(part, lengths[i], count, slot, emit), vocabulary };
    });
    if (shapes.length === 2) emitPairShape(shapes[0], shapes[1], emit);
    bag.endGroup(SHAPE);
    return bag.take();
  };
}

/** Multiplier of the rolling hashes (FNV's prime), and of shape's (2³² over the golden ratio). */
const PRIME = 0x01000193;
const GOLDEN = 0x9e3779b1;
/** Where hashes of words, of word n-grams and of character n-grams start, so that none is another's. */
const WORD_SEED = 0x811c9dc5;
const WORDS_SEED = 0x55;
const CHARACTERS_SEED = 0x1234567;
/** Stand before and after a text; control characters, which texts hardly hold. */
const START = 2;
const END = 3;

/** Adds the n-grams of a text's words between its start and end. A word is a run of letters and digits, or one mark. */
function addWords(bag: BagBuilder, text: string, length: number, longest: number): { count: number; vocabulary: Set<number> } {
  const vocabulary = new Set<number>();
  const hashes = [START];
  for (let i = 0; i < length;) {
    const kind = kindOf(text.charCodeAt(i));
    if (kind === SPACE) {
      i++;
      continue;
    }
    let hash = WORD_SEED;
    let folded = WORD_SEED;
    for (const stop = wordEnd(text, i, length); i < stop; i++) {
      const unit = text.charCodeAt(i);
      hash = Math.imul(hash ^ unit, PRIME);
      folded = Math.imul(folded ^ foldUnit(unit), PRIME);
    }
    hashes.push(hash);
    if (kind !== MARK) vocabulary.add(folded);
  }
  hashes.push(END);
  for (let start = 0; start < hashes.length; start++) {
    let gram = WORDS_SEED;
    const stop = Math.min(start + longest, hashes.length);
    for (let i = start; i < stop; i++) {
      gram = roll(gram, hashes[i]);
      bag.add(gram);
    }
  }
  return { count: hashes.length - 2, vocabulary };
}

/** Where the word ends that begins at `start`, which is no space. */
function wordEnd(text: string, start: number, length: number): number {
  let end = start + 1;
  if (kindOf(text.charCodeAt(start)) === MARK) return end;
  for (; end < length; end++) {
    const kind = kindOf(text.charCodeAt(end));
    if (kind === MARK || kind === SPACE) break;
  }
  return end;
}

/** Adds the n-grams of a text's units, case folded, between its start and end. */
function addCharacters(bag: BagBuilder, text: string, length: number, from: number, to: number): void {
  for (let start = -1; start <= length; start++) {
    let gram = CHARACTERS_SEED;
    const stop = Math.min(start + to, length + 1);
    for (let i = start; i < stop; i++) {
      gram = roll(gram, i < 0 ? START : i === length ? END : foldUnit(text.charCodeAt(i)));
      if (i - start + 1 >= from) bag.add(gram);
    }
  }
}

/** A rolling hash's next state. */
function roll(hash: number, value: number): number {
  const product = Math.imul(hash ^ value, PRIME);
  return (product << 13) | (product >>> 19);
}
