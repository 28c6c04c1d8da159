// EMR-Merging (elect, mask, rescale): one vector that all experts share, and of each expert only which entries of it point its way, one bit an
// entry, and what restores its length. Served is θ0 + Σ w_t·scale_t·(mask_t ⊙ unified).
// Source: Huang et al. 2024, "EMR-Merging: Tuning-Free High-Performance Model Merging", arXiv:2405.17461, section 3.
// Deviates: nothing of the rule; the published code has another scale than the paper, and a third is ours (`ScaleRule`).
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
 */
export function applyMask(mask: Uint8Array, unified: Float32Array, scale: number): Float32Array {
  const out = new Float32Array(unified.length);
  for (let i = 0; i < out.length; i++) if ((mask[i >> 3] & (1 << (i & 7))) !== 0) out[i] = scale * unified[i];
  return out;
}

/** What an expert's scale and errors are computed from: sums over one tensor. */
export interface MaskSums {
  /** N */
  readonly count: number;
  /** Σ |τ| and Σ |mask ⊙ unified| */
  readonly absolute: number;
  readonly maskedAbsolute: number;
  /** Σ τ², Σ τ·(mask ⊙ unified) and Σ (mask ⊙ unified)² */
  readonly squares: number;
  readonly inner: number;
  readonly maskedSquares: number;
}

/** The sums of one tensor. */
export function sumsOf(vector: Float32Array, mask: Uint8Array, unified: Float32Array): MaskSums {
  let [absolute, maskedAbsolute, squares, inner, maskedSquares] = [0, 0, 0, 0, 0];
  for (let i = 0; i < vector.length; i++) {
    absolute += Math.abs(vector[i]);
    squares += vector[i] * vector[i];
    if ((mask[i >> 3] & (1 << (i & 7))) === 0) continue;
    maskedAbsolute += Math.abs(unified[i]);
    inner += vector[i] * unified[i];
    maskedSquares += unified[i] * unified[i];
  }
  return { count: vector.length, absolute, maskedAbsolute, squares, inner, maskedSquares };
}

/**
 * What an expert's scale is, Σ|τ| / Σ|mask ⊙ unified| each time: over all entries at once, so that large tensors count more (`sums`, the
 * paper); over the means of its tensors, so that all count alike (`means`, the published code); or over the entries of each tensor, which
 * then has a scale of its own (`per_tensor`).
 */
export type ScaleRule = 'sums' | 'means' | 'per_tensor';

/** The scale of each of an expert's tensors from the sums of all of them; 0 where the mask keeps nothing. */
export function scalesOf(tensors: readonly MaskSums[], rule: ScaleRule): readonly number[] {
  if (rule === 'per_tensor') return tensors.map(({ absolute, maskedAbsolute }) => ratio(absolute, maskedAbsolute));
  const share = ({ count }: MaskSums): number => (rule === 'means' ? 1 / count : 1);
  const absolute = tensors.reduce((sum, tensor) => sum + share(tensor) * tensor.absolute, 0);
  const masked = tensors.reduce((sum, tensor) => sum + share(tensor) * tensor.maskedAbsolute, 0);
  return tensors.map(() => ratio(absolute, masked));
}

function ratio(absolute: number, masked: number): number {
  return masked === 0 ? 0 : absolute / masked;
}

/** ‖τ − scale·(mask ⊙ unified)‖ / ‖τ‖ of one tensor; 0 for a zero vector. Computed from squares: below 1e-7 it is noise. */
export function maskError({ squares, inner, maskedSquares }: MaskSums, scale: number): number {
  if (squares === 0) return 0;
  return Math.sqrt(Math.max(0, squares - 2 * scale * inner + scale * scale * maskedSquares) / squares);
}
