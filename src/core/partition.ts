// Work shared out among bins by its cost.

/**
 * The bin of each item: the costliest first, each to the bin that has least so far, so that no bin ends above 4/3 of the best possible cut.
 * @param costs finite, at least 0
 * @param bins at least 1
 * @returns in item order, each below `bins`; the same for the same costs everywhere
 * Cost: O(N log N + N·bins)
 * Source: Graham 1969, longest processing time first
 */
export function partition(costs: readonly number[], bins: number): number[] {
  const order = [...costs.keys()].sort((a, b) => costs[b] - costs[a] || a - b);
  const loads = new Float64Array(bins);
  const binOf = costs.map(() => 0);
  for (const item of order) {
    let least = 0;
    for (let bin = 1; bin < bins; bin++) if (loads[bin] < loads[least]) least = bin;
    loads[least] += costs[item];
    binOf[item] = least;
  }
  return binOf;
}
