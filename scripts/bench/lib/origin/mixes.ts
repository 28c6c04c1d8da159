// What requests ask for: one expert each, two each, by Zipf's law, or so many distinct mixes and no more.

import type { Random } from '../../../../src/core/random.ts';

/** The mix of the `row`-th request. */
export type DrawMix = (row: number, random: Random) => Float32Array;

function weights(experts: number, pairs: readonly (readonly [expert: number, weight: number])[]): Float32Array {
  const mix = new Float32Array(experts);
  for (const [expert, weight] of pairs) mix[expert] = weight;
  return mix;
}

/** Every request another expert than the one before, in turn. */
export function inTurn(experts: number): DrawMix {
  return (row) => weights(experts, [[row % experts, 1]]);
}

/** Always the same expert. */
export function always(experts: number, expert: number): DrawMix {
  return () => weights(experts, [[expert, 1]]);
}

/** Any two experts by any shares between 0.3 and 0.7: no two requests alike. */
export function anyTwo(experts: number): DrawMix {
  return (_, random) => {
    const first = random.below(experts);
    const second = (first + 1 + random.below(experts - 1)) % experts;
    const share = 0.3 + 0.4 * random.uniform();
    return weights(experts, [
      [first, share],
      [second, 1 - share],
    ]);
  };
}

/** One expert, all alike. */
export function uniform(experts: number): DrawMix {
  return (_, random) => weights(experts, [[random.below(experts), 1]]);
}

/** One expert by Zipf's law with exponent 1. */
export function zipf(experts: number): DrawMix {
  const sums: number[] = [];
  for (let e = 0; e < experts; e++) sums.push((sums[e - 1] ?? 0) + 1 / (e + 1));
  return (_, random) => {
    const drawn = random.uniform() * sums[experts - 1];
    return weights(experts, [[sums.findIndex((sum) => drawn < sum), 1]]);
  };
}

/** Shares of two experts are told apart in so many steps, as origins do that promote mixes. */
const STEPS = 256;

/** `count` distinct mixes of two experts, in whole steps as far as there are so many and between the steps beyond. */
export function distinctMixes(experts: number, count: number, random: Random): readonly Float32Array[] {
  const all: Float32Array[] = [];
  for (const between of [0, 0.5])
    for (let a = 0; a < experts; a++)
      for (let b = a + 1; b < experts; b++)
        for (let step = 1; step < STEPS; step++) {
          const share = (step + between) / STEPS;
          all.push(
            weights(experts, [
              [a, share],
              [b, 1 - share],
            ]),
          );
        }
  const whole = all.length / 2;
  const drawn = [...random.shuffle(all.slice(0, whole)), ...random.shuffle(all.slice(whole))].slice(0, count);
  if (drawn.length < count) throw new Error(`distinctMixes: expected at most ${all.length} of ${experts} experts, got ${count}`);
  return drawn;
}
