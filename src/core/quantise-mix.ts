// Mixes on a grid: what caches of merged weights are keyed by. A one-hot mix is on every grid.

/**
 * The mix in whole steps: `mix[e] ≈ result[e] / steps`. The sum is rounded once, and its steps go to the largest remainders, so that weights that
 * add up to 1 still do.
 * @param mix weights of at least 0, `[E]`
 * Cost: O(E log E)
 */
export function quantiseMix(mix: Float32Array, steps: number): Int32Array {
  const exact = Array.from(mix, (weight) => weight * steps);
  const whole = Int32Array.from(exact, Math.floor);
  const missing = Math.round(exact.reduce((sum, value) => sum + value, 0)) - whole.reduce((sum, value) => sum + value, 0);
  const order = Array.from(exact.keys()).sort((a, b) => exact[b] - whole[b] - (exact[a] - whole[a]) || a - b);
  for (const e of order.slice(0, missing)) whole[e] += 1;
  return whole;
}
