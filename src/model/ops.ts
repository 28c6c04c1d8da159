// The vocabulary in which an architecture is defined. A definition is a function over `Ops<V>` that never sees what `V` is:
// the tfjs executor gives it tf tensors and gradients, the ONNX emitter gives it names of graph values. A new architecture
// is a new definition; a new way to run or to mix weights is a new interpreter.
//
// Letters: B batch, T tokens, d hidden width. Hidden values always have three axes; one vector a request is `[B, 1, d]`.

/**
 * Operators of an interpreter over its value type `V`. Parameters are named as in the Hugging Face checkpoint, without the
 * architecture's prefix (`bert.`); which weights stand behind a name (shared, merged, factored per request) is the
 * interpreter's business.
 */
export interface Ops<V> {
  /** Rows of table `${name}.weight` for ids `[B, T]` → `[B, T, d]`. */
  embed(name: string, ids: V): V;
  /** The first T rows of table `${name}.weight`, T taken from ids `[B, T]` → `[1, T, d]`, or `[B, T, d]` where requests differ. */
  embedPositions(name: string, ids: V): V;
  /** `x · Wᵀ + b` with `W = ${name}.weight [m, n]` and `b = ${name}.bias [m]`: `[B, T, n]` → `[B, T, m]`. */
  linear(name: string, x: V): V;
  /** Layer normalisation over the last axis with `${name}.weight` and `${name}.bias`. */
  layerNorm(name: string, x: V, epsilon: number): V;
  /**
   * Scaled dot-product attention over projected queries, keys and values, each `[B, T, d]`, cut into `heads` equal parts → `[B, T, d]`.
   * Scores are multiplied by `scale`; tokens whose mask `[B, T]` is 0 are not attended to.
   */
  attention(q: V, k: V, v: V, mask: V, options: { readonly heads: number; readonly scale: number }): V;
  /** Element-wise sum with broadcasting. */
  add(a: V, b: V): V;
  /** Exact (erf) GELU. */
  gelu(x: V): V;
  relu(x: V): V;
  tanh(x: V): V;
  /** The first token's vector: `[B, T, d]` → `[B, 1, d]`. */
  firstToken(x: V): V;
  /** Mean over the tokens whose mask is 1: `[B, T, d]`, `[B, T]` → `[B, 1, d]`. */
  meanTokens(x: V, mask: V): V;
  /**
   * The operators of a part whose mix may be decided by what enters it, `x [B, T, d]`: those of this interpreter itself where the model has no
   * gates.
   */
  gated(part: string, x: V, mask: V): Ops<V>;
}
