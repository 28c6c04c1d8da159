// Scrambled Halton points: evenly spread over the unit cube, in any number, the same for a seed.

import { createRandom } from '../random.ts';

/**
 * `count` points of `[0, 1)^d`. Coordinate i is the radical inverse of the point's number in the i-th prime base, its digits permuted.
 * The permutations keep high dimensions from moving together, as neighbouring primes make them do.
 * @param seed decides the permutations
 * @param skip how many points of the sequence come before
 * Cost: O(count · d · log count)
 * Source: Halton 1960; random digit permutations as in Owen 2017, arXiv:1706.02808
 */
export function haltonPoints(count: number, dimensions: number, seed: number, skip = 0): number[][] {
  const coordinates = firstPrimes(dimensions).map((base) => scrambledInverse(base, seed));
  return Array.from({ length: count }, (_, i) => coordinates.map((inverse) => inverse(i + skip)));
}

/** n ↦ Σ_k π_k(digit k of n)·base^−(k+1), each digit with a permutation of its own. */
function scrambledInverse(base: number, seed: number): (n: number) => number {
  // Enough digits that what is left is below the spacing of doubles.
  const digits = Math.ceil(52 / Math.log2(base));
  const random = createRandom(seed, `halton ${base}`);
  const permutations = Array.from({ length: digits }, () => random.shuffle(Array.from({ length: base }, (_, digit) => digit)));
  return (n) => {
    let rest = n;
    let scale = 1 / base;
    let value = 0;
    for (const permutation of permutations) {
      value += permutation[rest % base] * scale;
      rest = Math.floor(rest / base);
      scale /= base;
    }
    return Math.min(value, 1 - Number.EPSILON / 2);
  };
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  return primes;
}
