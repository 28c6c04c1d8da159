// The screening stage: of many configs that were measured cheaply, the ones that are worth measuring in full.

import { isFeasible } from './feasibility.ts';
import { addedVolume, referenceOf } from './hypervolume.ts';
import type { Observation } from './observation.ts';
import { paretoLayers } from './pareto.ts';

/**
 * Indices of the `count` best observations, best first: feasible ones in Pareto layers, and within a layer that does not fit whole those
 * that add most hypervolume to what was chosen; then the infeasible ones by their summed excess.
 * Cost: O(layers · n²m) and the volumes
 */
export function promote(observations: readonly Observation[], count: number): number[] {
  const indices = Array.from(observations.keys());
  const feasible = indices.filter((i) => isFeasible(observations[i].excesses));
  const costs = feasible.map((i) => observations[i].costs);
  const chosen: number[] = [];
  for (const layer of paretoLayers(costs)) {
    const room = count - chosen.length;
    if (room <= 0) break;
    const places = layer.length <= room ? layer : spread(layer, costs, room);
    chosen.push(...places.map((place) => feasible[place]));
  }
  const excess = (i: number): number => observations[i].excesses.reduce((sum, value) => sum + Math.max(0, value), 0);
  const others = indices.filter((i) => !isFeasible(observations[i].excesses)).sort((a, b) => excess(a) - excess(b) || a - b);
  return [...chosen, ...others].slice(0, count);
}

/** `count` of a layer, each the one that adds most to those before it. */
function spread(layer: readonly number[], costs: readonly (readonly number[])[], count: number): number[] {
  const reference = referenceOf(layer.map((i) => costs[i]));
  const chosen: number[] = [];
  const left = new Set(layer);
  while (chosen.length < count) {
    const volumeOf = (i: number): number =>
      addedVolume(
        costs[i],
        chosen.map((j) => costs[j]),
        reference,
      );
    const best = [...left].reduce((a, b) => (volumeOf(b) > volumeOf(a) ? b : a));
    left.delete(best);
    chosen.push(best);
  }
  return chosen;
}
