// Which entries of a tensor are large: a band of ranks by magnitude, found without sorting. The bits of a float without its sign grow
// with its magnitude, so two histograms – of the upper and, within one bin, of the lower bits – find the entry of any rank exactly.

const MAGNITUDE = 0x7fffffff;
const LOW_BITS = 15;

/** Where the entries of the first ranks end: those above `word`, and the first `ties` of those equal to it. */
interface Cut {
  readonly word: number;
  readonly ties: number;
}

/**
 * Sets every entry to zero whose rank by magnitude, largest first, is not in [skip, skip + count). Among equal magnitudes the one with
 * the lower index ranks first, so that exactly `count` entries stay, as far as there are so many.
 * @param values finite; modified and returned
 * Cost: up to five passes
 */
export function keepBand(values: Float32Array, skip: number, count: number): Float32Array {
  const mask = markBand(values, skip, count);
  for (let i = 0; i < values.length; i++) if (mask[i] === 0) values[i] = 0;
  return values;
}

/**
 * 1 for every entry of those ranks, 0 elsewhere; otherwise as `keepBand`.
 * @param values not modified
 */
export function markBand(values: Float32Array, skip: number, count: number): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const above = cutAfter(words, skip);
  const below = cutAfter(words, skip + count);
  const mask = new Uint8Array(values.length);
  let tiesAbove = above.ties;
  let tiesBelow = below.ties;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] & MAGNITUDE;
    const skipped = word > above.word || (word === above.word && tiesAbove-- > 0);
    const reached = word > below.word || (word === below.word && tiesBelow-- > 0);
    mask[i] = reached && !skipped ? 1 : 0;
  }
  return mask;
}

function cutAfter(words: Uint32Array, rank: number): Cut {
  if (rank <= 0) return { word: Infinity, ties: 0 };
  if (rank >= words.length) return { word: -1, ties: 0 };
  const coarse = new Uint32Array(1 << (31 - LOW_BITS));
  for (let i = 0; i < words.length; i++) coarse[(words[i] & MAGNITUDE) >>> LOW_BITS]++;
  const high = descend(coarse, rank);
  const fine = new Uint32Array(1 << LOW_BITS);
  const lowMask = fine.length - 1;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] & MAGNITUDE;
    if (word >>> LOW_BITS === high.bin) fine[word & lowMask]++;
  }
  const low = descend(fine, high.wanted);
  return { word: (high.bin << LOW_BITS) | low.bin, ties: low.wanted };
}

/** The bin, from the top, in which the entry of the 1-based rank `wanted` lies, and its rank within that bin. */
function descend(counts: Uint32Array, wanted: number): { bin: number; wanted: number } {
  let bin = counts.length - 1;
  while (counts[bin] < wanted) wanted -= counts[bin--];
  return { bin, wanted };
}
