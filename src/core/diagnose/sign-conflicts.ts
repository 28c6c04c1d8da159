// How often task vectors disagree about the direction of a weight: what makes a sum of them cancel. Two unrelated vectors disagree in
// half of the entries that both change.
//
// Letters: T experts, n entries.

/** Counts over a set of entries; add up over sets. */
export interface ConflictCounts {
  /** Entries that both change, `[T, T]` row-major, the diagonal unused. */
  readonly both: Float64Array;
  /** Those of them with opposite signs, `[T, T]`. */
  readonly opposed: Float64Array;
  /** Entries that at least two experts change, and those of them whose signs are not all the same. */
  readonly shared: number;
  readonly conflicting: number;
}

/**
 * Counts the conflicts of vectors.
 * @param vectors `T` arrays of `n` entries, not modified
 * Cost: nT² comparisons
 */
export function countConflicts(vectors: readonly Float64Array[]): ConflictCounts {
  const count = vectors.length;
  const both = new Float64Array(count * count);
  const opposed = new Float64Array(count * count);
  for (let t = 0; t < count; t++) {
    for (let u = t + 1; u < count; u++) {
      const [x, y] = [vectors[t], vectors[u]];
      let changed = 0;
      let against = 0;
      for (let i = 0; i < x.length; i++) {
        if (x[i] === 0 || y[i] === 0) continue;
        changed++;
        if (x[i] > 0 !== y[i] > 0) against++;
      }
      both[t * count + u] = both[u * count + t] = changed;
      opposed[t * count + u] = opposed[u * count + t] = against;
    }
  }
  return { both, opposed, ...countAmongAll(vectors) };
}

function countAmongAll(vectors: readonly Float64Array[]): Pick<ConflictCounts, 'shared' | 'conflicting'> {
  let shared = 0;
  let conflicting = 0;
  for (let i = 0; i < (vectors[0]?.length ?? 0); i++) {
    let up = 0;
    let down = 0;
    for (const vector of vectors) {
      if (vector[i] > 0) up++;
      else if (vector[i] < 0) down++;
    }
    if (up + down < 2) continue;
    shared++;
    if (up > 0 && down > 0) conflicting++;
  }
  return { shared, conflicting };
}
