// How many singular components of a delta are kept.

import { TwinrouteError } from '../errors.ts';

/** A rank, a share of the squared Frobenius norm to keep, or a share of min(m, n). */
export type RankSpec = { readonly rank: number } | { readonly energy: number } | { readonly density: number };

/** Components this much smaller than the first are below the rounding of the f32 matrix they come from. */
export const NEGLIGIBLE = 2 ** -24;

/**
 * The rank to keep: never 0 unless the delta is exactly zero, at most min(m, n), and without components that are only rounding noise.
 * - `rank`: that many.
 * - `density`: ⌊density · min(m, n)⌋, at least 1.
 * - `energy`: the least r with Σ_{i≤r} σ_i² ≥ energy · ‖delta‖².
 * @param values leading singular values, descending: all, or so many as are known
 * @param totalEnergy ‖delta‖_F²
 * @returns when the known values are too few to tell, more than `values.length`; otherwise the rank
 * @throws {TwinrouteError} `config` when the spec is out of range
 */
export function chooseRank(values: Float64Array, totalEnergy: number, spec: RankSpec, m: number, n: number): number {
  checkRankSpec(spec);
  if (totalEnergy === 0) return 0;
  const full = Math.min(m, n);
  const noise = values.findIndex((value) => value <= NEGLIGIBLE * values[0]);
  const wanted =
    'energy' in spec ? rankByEnergy(values, spec.energy * totalEnergy) : 'rank' in spec ? spec.rank : Math.floor(spec.density * full);
  return Math.max(1, Math.min(wanted, noise < 0 ? full : noise));
}

function rankByEnergy(values: Float64Array, target: number): number {
  let kept = 0;
  for (let i = 0; i < values.length; i++) {
    kept += values[i] * values[i];
    if (kept >= target) return i + 1;
  }
  return values.length + 1;
}

/** @throws {TwinrouteError} `config` when a rank is not a whole number ≥ 1 or a share is not in (0, 1] */
function checkRankSpec(spec: RankSpec): void {
  if ('rank' in spec) {
    if (Number.isInteger(spec.rank) && spec.rank >= 1) return;
    throw new TwinrouteError('config', `rank: expected a whole number of at least 1, got ${spec.rank}`, { param: 'rank' });
  }
  const [name, share] = 'energy' in spec ? ['energy', spec.energy] : ['density', spec.density];
  if (share > 0 && share <= 1) return;
  throw new TwinrouteError('config', `${name}: expected a share above 0 and at most 1, got ${share}`, { param: name });
}
