// The power of two choices: two candidates are drawn and the cheaper one is taken. Near the best of all, without everybody running to it.

/**
 * The cheaper of two different candidates drawn at random; the only one when there is no second.
 * @param candidates at least one
 * @param uniform numbers in [0, 1)
 * Source: Mitzenmacher 2001, "The power of two choices in randomized load balancing"
 */
export function powerOfTwo<T>(candidates: readonly T[], cost: (candidate: T) => number, uniform: () => number): T {
  const i = Math.floor(uniform() * candidates.length);
  if (candidates.length === 1) return candidates[i];
  const j = (i + 1 + Math.floor(uniform() * (candidates.length - 1))) % candidates.length;
  return cost(candidates[j]) < cost(candidates[i]) ? candidates[j] : candidates[i];
}
