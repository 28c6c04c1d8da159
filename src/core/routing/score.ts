// Logits to probabilities.

/**
 * The softmax of `logits / temperature`, `[T]`, in f64 and summing to 1.
 * @param temperature above 0; larger is flatter
 */
export function softmax(logits: ArrayLike<number>, temperature = 1): Float64Array {
  const scores = new Float64Array(logits.length);
  let highest = -Infinity;
  for (let i = 0; i < logits.length; i++) highest = Math.max(highest, logits[i]);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    scores[i] = Math.exp((logits[i] - highest) / temperature);
    sum += scores[i];
  }
  for (let i = 0; i < scores.length; i++) scores[i] /= sum;
  return scores;
}

/** Index of the largest value, the first of equal ones; -1 of nothing. */
export function argmax(values: ArrayLike<number>): number {
  let best = values.length > 0 ? 0 : -1;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
