// What the router knows of a UTF-16 unit. Coarse on purpose: n-grams learn the rest, and a table of Unicode would cost the edge more
// than it tells. Surrogates, paired or lone, count as letters, so that every string is valid input.

/** Kinds of units. */
export const SPACE = 0;
export const LOWER = 1;
export const UPPER = 2;
export const DIGIT = 3;
export const MARK = 4;

/** The kind of a UTF-16 unit. Capitals are told apart in ASCII only; other letters are `LOWER`. */
export function kindOf(unit: number): number {
  if (unit < 0x80) return ASCII[unit];
  if (unit === 0xa0 || unit === 0x3000 || (unit >= 0x2000 && unit <= 0x200a) || unit === 0x2028 || unit === 0x2029) return SPACE;
  // Latin-1 signs, general punctuation, CJK punctuation.
  if (unit < 0xc0 || (unit >= 0x2010 && unit <= 0x205e) || (unit >= 0x3001 && unit <= 0x303f)) return MARK;
  return LOWER;
}

/** The unit with ASCII capitals folded. */
export function foldUnit(unit: number): number {
  return unit >= 65 && unit <= 90 ? unit + 32 : unit;
}

const ASCII = Uint8Array.from({ length: 0x80 }, (_, unit) => {
  if (unit === 0x20 || (unit >= 9 && unit <= 13)) return SPACE;
  if (unit >= 97 && unit <= 122) return LOWER;
  if (unit >= 65 && unit <= 90) return UPPER;
  return unit >= 48 && unit <= 57 ? DIGIT : MARK;
});
