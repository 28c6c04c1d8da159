// The volume that a front dominates up to a reference point: the one number by which fronts are compared.
//
// Letters: n points, m objectives.

import { paretoFront, type Costs } from './pareto.ts';

/**
 * The volume of the union of the boxes between each point and `reference`.
 * @param points costs, any number, dominated ones too; what is not better than the reference in every objective adds nothing
 * @returns 0 without points
 * Cost: O(n log n) for m = 2, O(n² log n) for m = 3, exponential in m beyond
 * Source: m = 2 by sweeping; otherwise the volumes that points add one after another, While, Bradstreet and Barone 2012 (WFG)
 */
export function hypervolume(points: readonly Costs[], reference: Costs): number {
  const inside = points.filter((point) => point.every((cost, i) => cost < reference[i]));
  const front = paretoFront(inside).map((i) => inside[i]);
  if (reference.length === 1) return front.length === 0 ? 0 : reference[0] - front[0][0];
  if (reference.length === 2) return area(front, reference);
  // Worst last objective first: then limiting by a point flattens that objective and the front below it is small.
  const ordered = front.toSorted((a, b) => b[b.length - 1] - a[a.length - 1]);
  return ordered.reduce((sum, point, i) => sum + addedVolume(point, ordered.slice(i + 1), reference), 0);
}

/** What `point` adds to the volume of `others`; 0 when it is dominated or not better than the reference. Cost: that of their volume */
export function addedVolume(point: Costs, others: readonly Costs[], reference: Costs): number {
  let box = 1;
  for (let i = 0; i < point.length; i++) box *= Math.max(0, reference[i] - point[i]);
  if (box === 0) return 0;
  const limited = others.map((other) => other.map((cost, i) => Math.max(cost, point[i])));
  return Math.max(0, box - hypervolume(limited, reference));
}

/** Of a front in two objectives. */
function area(front: readonly Costs[], [rightmost, top]: Costs): number {
  const ordered = front.toSorted((a, b) => a[0] - b[0]);
  return ordered.reduce((sum, [x, y], i) => sum + (rightmost - x) * ((i === 0 ? top : ordered[i - 1][1]) - y), 0);
}

/**
 * A reference point for a front that nobody gave one: its worst costs and a share of its extent beyond them.
 * @param front at least one point
 * @param margin that share; where the front is flat, of the cost itself, or of 1
 */
export function referenceOf(front: readonly Costs[], margin = 0.1): number[] {
  return front[0].map((_, i) => {
    const costs = front.map((point) => point[i]);
    const worst = Math.max(...costs);
    const extent = worst - Math.min(...costs);
    return worst + margin * (extent > 0 ? extent : Math.abs(worst) || 1);
  });
}
