// Mixes as keys of weights that were merged for them.

/** Weights are told apart in so many steps. */
const STEPS = 256;

/**
 * A mix's key, or undefined where one of its weights is not exactly a whole number of steps: what is kept under a key is the merge of exactly that
 * mix, and never of one beside it. One-hot mixes are always on the grid.
 */
export function mixKey(mix: Float32Array): string | undefined {
  let key = '';
  for (let e = 0; e < mix.length; e++) {
    if (mix[e] === 0) continue;
    const steps = mix[e] * STEPS;
    if (!Number.isInteger(steps)) return undefined;
    key += `${e}:${steps} `;
  }
  return key;
}

/** A key in words: `cola 0.5 + trec 0.5`. */
export function describeMixKey(key: string, experts: readonly string[]): string {
  const parts = Array.from(key.matchAll(/(\d+):(\d+)/g), ([, e, steps]) => `${experts[Number(e)]} ${Number(steps) / STEPS}`);
  return parts.length === 0 ? 'of the shared model alone' : parts.join(' + ');
}
