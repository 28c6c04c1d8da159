// What multiply-adds alone leave of a plain model's throughput: the most that rows can reach which pay for the factors of just their own experts.

import type { Pack } from '../../../../src/formats/pack.ts';

/**
 * Plain products over plain and thin ones, of the linear layers; attention itself is left out on both sides.
 * @param mixed experts of a row; the pack's mean expert stands for each
 */
export function arithmeticLimit({ manifest }: Pack, mixed: number): number {
  let plain = 0;
  let thin = 0;
  for (const [e, { tensors }] of manifest.experts.entries()) {
    for (const { shape, rank, kind } of tensors) {
      if (shape.length !== 2) continue;
      const [m, n] = shape;
      // Every expert lists all parameters; tables that it leaves unchanged are looked up, not multiplied.
      if (e === 0 && kind === 'factored') plain += m * n;
      thin += (rank * (m + n)) / manifest.experts.length;
    }
  }
  return plain / (plain + mixed * thin);
}
