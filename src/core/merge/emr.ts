// EMR-Merging (elect, mask, rescale): one vector that all experts share, and of each expert only which entries of it point its way, one bit an
// entry, and what restores its length. Served is θ0 + Σ w_t·scale_t·(mask_t ⊙ unified).
// Source: Huang et al. 2024, "EMR-Merging: Tuning-Free High-Performance Model Merging", arXiv:2405.17461, section 3.
// Deviates: nothing of the rule; the scale is the caller's choice (emr-scale.ts).
//
// Letters: T experts, N entries of a tensor. Masks are packed eight entries to a byte, entry i in bit i mod 8 of byte ⌊i / 8⌋.

/**
 * The unified vector: in each entry the sign of Σ_t τ_t and the largest magnitude among the τ_t of that sign; 0 where the sum is.
 * @param vectors τ_t, `T` of `[N]`, not modified
 * @returns a fresh buffer
 */
export function unify(vectors: readonly Float32Array[]): Float32Array {
  return Float32Array.from({ length: vectors[0].length }, (_, i) => {
    let sum = 0;
    let most = 0;
    let least = 0;
    for (const vector of vectors) {
      const value = vector[i];
      sum += value;
      most = Math.max(most, value);
      least = Math.min(least, value);
    }
    return sum > 0 ? most : sum < 0 ? least : 0;
  });
}

/** Where a task vector and the unified vector point the same way: packed bits, `[⌈N / 8⌉]`. */
export function maskOf(vector: Float32Array, unified: Float32Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(vector.length / 8));
  for (let i = 0; i < vector.length; i++) if (Math.sign(vector[i]) * Math.sign(unified[i]) > 0) bits[i >> 3] |= 1 << (i & 7);
  return bits;
}

/**
 * scale·(mask ⊙ unified) in a fresh buffer.
 * @param scales `[K]`; the entries are K runs of equal length, each with its own
 */
export function applyMask(mask: Uint8Array, unified: Float32Array, scales: Float32Array): Float32Array {
  const out = new Float32Array(unified.length);
  const run = unified.length / scales.length;
  for (const [k, scale] of scales.entries())
    for (let i = k * run; i < (k + 1) * run; i++) if ((mask[i >> 3] & (1 << (i & 7))) !== 0) out[i] = scale * unified[i];
  return out;
}
