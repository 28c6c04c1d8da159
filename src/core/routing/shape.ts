// Shape: how a text is written rather than what it says (case, spacing before punctuation, ending, length), and how the two texts of
// a pair relate. It tells tasks apart that share their words, and it survives a change of topic.

import { DIGIT, MARK, SPACE, UPPER, kindOf } from './characters.ts';

/** What is known of one text once it was read. */
export interface TextShape {
  /** UTF-16 units read. */
  readonly units: number;
  /** How it ends, as `endingOf` has it. */
  readonly ending: number;
  /** Hashes of its words, case folded. */
  readonly vocabulary: ReadonlySet<number>;
}

/** Takes a feature: which property (below 64), and which value of it (below 1000). */
export type EmitShape = (property: number, value: number) => void;

/** Most shape features of an input: two texts and what a pair adds. */
export const MAX_SHAPE = 2 * 13 + 4;

/** Properties that a text may have; those of text 0 (alone), 1 and 2 (of a pair) follow each other, then come the pair's own. */
const TEXT = 16;
const PAIR = 3 * TEXT;

/**
 * Emits the shape of a text.
 * @param length units to read
 * @param words how many words they hold
 * @param slot 0 for a text alone, 1 and 2 for the texts of a pair
 * @returns its ending
 */
export function emitTextShape(text: string, length: number, words: number, slot: number, emit: EmitShape): number {
  let capitals = 0;
  let digits = 0;
  let marks = 0;
  let foreign = 0;
  // Marks after a space and right after a word: data sets differ in how they were tokenised.
  let spaced = 0;
  let attached = 0;
  let spacedApostrophes = 0;
  let attachedApostrophes = 0;
  let mentions = 0;
  let tags = 0;
  let first = SPACE;
  let last = -1;
  let loose = 0;
  for (let i = 0, previous = SPACE; i < length; i++) {
    const unit = text.charCodeAt(i);
    const kind = kindOf(unit);
    const afterSpace = previous === SPACE;
    if (kind !== SPACE) {
      if (last === -1) first = openingOf(unit, kind);
      last = unit;
      loose = afterSpace ? 1 : 0;
    }
    if (unit >= 0x80) foreign = 1;
    if (kind === UPPER) capitals++;
    else if (kind === DIGIT) digits++;
    else if (kind === MARK) {
      marks++;
      if (unit === AT) mentions++;
      else if (unit === HASH) tags++;
      else if (unit === APOSTROPHE && afterSpace) spacedApostrophes++;
      else if (unit === APOSTROPHE) attachedApostrophes++;
      else if (afterSpace) spaced++;
      else attached++;
    }
    previous = kind;
  }
  const ending = endingOf(last);
  const written = (capitals > 0 ? 1 : 0) + (spaced > 0 ? 2 : 0) + (attached > 0 ? 4 : 0);
  const property = slot * TEXT;
  emit(property + 1, ending * 2 + loose);
  emit(property + 2, first);
  emit(property + 3, steps(capitals));
  emit(property + 4, Math.min(spaced, 3) * 4 + Math.min(attached, 3));
  emit(property + 5, steps(length));
  emit(property + 6, steps(words));
  emit(property + 7, steps(marks));
  emit(property + 8, steps(digits));
  emit(property + 9, Math.floor((10 * capitals) / Math.max(1, length)));
  emit(property + 10, (ending * 10 + first) * 10 + written);
  emit(property + 11, Math.min(mentions, 2) * 3 + Math.min(tags, 2));
  emit(property + 12, Math.min(spacedApostrophes, 2) * 3 + Math.min(attachedApostrophes, 2));
  emit(property + 13, foreign);
  return ending;
}

/** Emits how the texts of a pair relate. */
export function emitPairShape(a: TextShape, b: TextShape, emit: EmitShape): void {
  let common = 0;
  for (const word of a.vocabulary) if (b.vocabulary.has(word)) common++;
  const union = a.vocabulary.size + b.vocabulary.size - common;
  const smaller = Math.min(a.vocabulary.size, b.vocabulary.size);
  emit(PAIR + 1, Math.floor((10 * common) / Math.max(1, union)));
  emit(PAIR + 2, Math.floor((10 * common) / Math.max(1, smaller)));
  // How much longer the first is, in half octaves around 100.
  emit(PAIR + 3, 100 + steps(a.units) - steps(b.units));
  emit(PAIR + 4, a.ending * 5 + b.ending);
}

/** 0, 1, 2, 3, then one step a half octave: 4 for 4 and 5, 5 for 6 and 7, 6 for 8 to 11 … */
function steps(count: number): number {
  if (count < 2) return count;
  const octave = 31 - Math.clz32(count);
  return octave * 2 + ((count >> (octave - 1)) & 1);
}

const EXCLAMATION = 33;
const HASH = 35;
const APOSTROPHE = 39;
const DOT = 46;
const QUESTION = 63;
const AT = 64;

/** The kind of the first unit that is no space; mentions and tags are told from other marks. */
function openingOf(unit: number, kind: number): number {
  if (unit === AT) return 5;
  return unit === HASH ? 6 : kind;
}

/** 1 for `.`, 2 for `?`, 3 for `!`, 4 for another mark, 0 for a word or nothing. */
function endingOf(unit: number): number {
  if (unit === DOT) return 1;
  if (unit === QUESTION) return 2;
  if (unit === EXCLAMATION) return 3;
  return unit >= 0 && kindOf(unit) === MARK ? 4 : 0;
}
