// Pareto order. Every objective is a cost: smaller is better, and callers turn the others' signs.
//
// Letters: m objectives.

/** Costs of one config, `[m]`. */
export type Costs = readonly number[];

/** Whether `a` is nowhere worse than `b` and somewhere better. */
export function dominates(a: Costs, b: Costs): boolean {
  let better = false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] > b[i]) return false;
    if (a[i] < b[i]) better = true;
  }
  return better;
}

/** Indices of the points that no other dominates, in their order; of equal points the first. Cost: O(n²m). */
export function paretoFront(points: readonly Costs[]): number[] {
  const equal = (a: Costs, b: Costs): boolean => a.every((cost, i) => cost === b[i]);
  return Array.from(points.keys()).filter((i) =>
    points.every((other, j) => !dominates(other, points[i]) && !(j < i && equal(other, points[i]))),
  );
}

/** All indices in layers: the front, the front of what is left, and so on. Cost: O(layers · n²m). */
export function paretoLayers(points: readonly Costs[]): number[][] {
  const layers: number[][] = [];
  let left = Array.from(points.keys());
  while (left.length > 0) {
    const front = new Set(paretoFront(left.map((i) => points[i])).map((place) => left[place]));
    layers.push([...front]);
    left = left.filter((i) => !front.has(i));
  }
  return layers;
}
