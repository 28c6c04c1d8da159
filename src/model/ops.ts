// The vocabulary in which an architecture is defined. A definition is a function over `Ops<V>` that never sees what `V` is:
// the tfjs executor gives it tf tensors and gradients, the ONNX emitter gives it names of graph values. A new architecture
// is a new definition; a new way to run or to mix weights is a new interpreter.
//
// Letters: B batch, T tokens, d hidden width, h attention heads.

/**
 * Operators of an interpreter over its value type `V`. Parameters are named as in the Hugging Face checkpoint, without the
 * architecture's prefix (`bert.`); which weights stand behind a name (shared, merged, factored per request) is the
 * interpreter's business.
 */
export interface Ops<V> {
  /** Rows of table `${name}.weight` for ids `[B, T]` → `[B, T, d]`. */
  embed(name: string, ids: V): V;
  /** The first T rows of table `${name}.weight`, T taken from ids `[B, T]` → `[1, T, d]`. */
  embedPositions(name: string, ids: V): V;
  /** `x · Wᵀ + b` with `W = ${name}.weight [m, n]` and, when `bias`, `b = ${name}.bias [m]`: `[..., n]` → `[..., m]`. */
  linear(name: string, x: V, options?: { readonly bias?: boolean }): V;
  /** Layer normalisation over the last axis with `${name}.weight` and `${name}.bias`. */
  layerNorm(name: string, x: V, epsilon: number): V;
  /** Element-wise sum with broadcasting. */
  add(a: V, b: V): V;
  /** Element-wise product with a constant. */
  scale(x: V, factor: number): V;
  /** Exact (erf) GELU. */
  gelu(x: V): V;
  tanh(x: V): V;
  /** Softmax over the last axis. */
  softmax(x: V): V;
  /** Batched matrix product over the last two axes; `transposeB` multiplies by the transposed right side. */
  matmul(a: V, b: V, transposeB?: boolean): V;
  /** `[B, T, d]` → `[B, h, T, d/h]`. */
  splitHeads(x: V, heads: number): V;
  /** `[B, h, T, d/h]` → `[B, T, d]`. */
  mergeHeads(x: V): V;
  /** Additive attention bias of a 0/1 mask `[B, T]` → `[B, 1, 1, T]`: 0 where 1, a large negative number where 0. */
  maskBias(mask: V): V;
  /** The first token's vector: `[B, T, d]` → `[B, d]`. */
  firstToken(x: V): V;
  /** Mean over the tokens whose mask is 1: `[B, T, d]`, `[B, T]` → `[B, d]`. */
  meanTokens(x: V, mask: V): V;
}
