// Ranks from a budget of bytes: components are bought where a byte keeps the most energy, over all tensors and all experts at once.

import { TwinrouteError } from '../errors.ts';
import { componentBytes, type FactorFormat } from './quantise.ts';
import { NEGLIGIBLE } from './rank.ts';

/** What all factors of a pack may cost: bytes, or as many bytes as this rank everywhere (not a whole number, perhaps) would cost. */
export type Budget = { readonly bytes: number } | { readonly average_rank: number };

/** The singular values of one delta, before it is truncated. */
export interface Spectrum {
  /** Extents of the matrix. */
  readonly shape: readonly [m: number, n: number];
  /** Leading singular values, descending. A component beyond them is not to be had. */
  readonly values: Float64Array;
  /** What energies are shares of: ‖v_t‖² of the whole expert, so that an expert with small weights is not starved by one with large ones. */
  readonly whole: number;
}

/** Bytes of one component of every matrix: what a rank of 1 everywhere costs. */
function floorBytes(shapes: readonly Spectrum['shape'][], format: FactorFormat): number {
  return shapes.reduce((sum, [m, n]) => sum + componentBytes(format, m, n), 0);
}

/**
 * How many singular values of each delta `ranksOfBudget` has to see: eight times the average, so that a delta can be given much more than
 * its share, while the spectra of large dense matrices stay cheap.
 */
export function valuesOfBudget(shapes: readonly Spectrum['shape'][], budget: Budget, format: FactorFormat): number {
  const average = 'bytes' in budget ? budget.bytes / floorBytes(shapes, format) : budget.average_rank;
  return Math.max(16, Math.ceil(8 * average));
}

/**
 * The rank of each delta: one for every delta, and then, while the budget lasts, the component that keeps most energy for its bytes.
 * @returns in the order of `spectra`
 * @throws {TwinrouteError} `config` when the budget does not pay for one component of every delta
 * Cost: O(N log N) for N components
 * Source: ours
 */
export function ranksOfBudget(spectra: readonly Spectrum[], budget: Budget, format: FactorFormat): number[] {
  const bytes = spectra.map(({ shape: [m, n] }) => componentBytes(format, m, n));
  const floor = floorBytes(
    spectra.map(({ shape }) => shape),
    format,
  );
  const total = 'bytes' in budget ? budget.bytes : budget.average_rank * floor;
  if (total < floor)
    throw new TwinrouteError(
      'config',
      `budget: expected at least ${floor} bytes, one component of each of ${bytes.length} deltas in ${format}, got ${Math.floor(total)}`,
      { param: 'budget' },
    );
  const offers: { readonly item: number; readonly gain: number }[] = [];
  for (const [item, { values, whole }] of spectra.entries()) {
    for (let i = 1; i < values.length && values[i] > NEGLIGIBLE * values[0]; i++)
      offers.push({ item, gain: values[i] ** 2 / (whole * bytes[item]) });
  }
  // Values descend, so a stable order by gain offers the components of one delta in their own order.
  offers.sort((a, b) => b.gain - a.gain);
  const ranks = spectra.map(() => 1);
  let left = total - floor;
  for (const { item } of offers) {
    if (bytes[item] > left) continue;
    ranks[item] += 1;
    left -= bytes[item];
  }
  return ranks;
}
