// A bag of features: hashed ids with weights. Features are counted group by group (words, characters, shape), and each group gets a
// fixed length, so that a long text does not drown what its shape tells.

/** Features of one input: distinct ids within a group, the same id perhaps in two groups. */
export interface Bag {
  /** Rows of the embedding table, `[F]`. */
  readonly ids: Int32Array;
  /** `[F]` */
  readonly weights: Float32Array;
}

/** Collects a bag. One builder serves one input at a time and keeps its buffers. */
export interface BagBuilder {
  /** Counts a feature by its 32-bit hash. */
  add(hash: number): void;
  /** Ends a group: a feature seen c times weighs 1 + ln c, and the group's Euclidean length becomes `length`. */
  endGroup(length: number): void;
  /** The bag so far in fresh arrays; the builder is empty afterwards. */
  take(): Bag;
}

/**
 * A builder of bags.
 * @param buckets rows of the embedding table, a power of two
 * @param capacity the most features that one input can have
 * Cost: 4 bytes a bucket and 8 bytes a feature, once
 */
export function createBagBuilder(buckets: number, capacity: number): BagBuilder {
  const counts = new Int32Array(buckets);
  const ids = new Int32Array(capacity);
  const weights = new Float32Array(capacity);
  const mask = buckets - 1;
  let start = 0;
  let end = 0;
  return {
    add(hash) {
      const id = finish(hash) & mask;
      if (counts[id]++ === 0) ids[end++] = id;
    },
    endGroup(length) {
      let squares = 0;
      for (let i = start; i < end; i++) {
        const weight = 1 + Math.log(counts[ids[i]]);
        counts[ids[i]] = 0;
        weights[i] = weight;
        squares += weight * weight;
      }
      const scale = length / Math.sqrt(squares);
      for (; start < end; start++) weights[start] *= scale;
    },
    take() {
      const bag = { ids: ids.slice(0, end), weights: weights.slice(0, end) };
      start = 0;
      end = 0;
      return bag;
    },
  };
}

/** Spreads a hash over all its bits, so that its low bits can be cut off. Source: MurmurHash3's 32-bit finaliser (Appleby, public domain). */
function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
