// How a pair of texts shares the tokens that a model reads.

/**
 * Lengths to which a pair of `first` and `second` tokens is cut so that together they have at most `room`: the longer gives way first; when
 * both are longer than half, each keeps half, and an odd token goes to the longer, or to the second of two equals.
 * Source: strategy `longest_first` of huggingface/tokenizers, `truncate_encodings` (the Rust code behind fast tokenizers; the Python ones
 * give an odd token to the first of two equals).
 */
export function cutLongestFirst(first: number, second: number, room: number): [number, number] {
  if (first + second <= room) return [first, second];
  const half = Math.floor(room / 2);
  const shorter = Math.min(first, second, half);
  return first > second ? [room - shorter, shorter] : [shorter, room - shorter];
}
