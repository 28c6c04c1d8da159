// Which rows are held back from training, to calibrate and to measure.

import { createRandom } from '../../core/random.ts';

/** Indices of rows. */
export interface Split {
  readonly train: readonly number[];
  readonly heldBack: readonly number[];
}

/**
 * A split that holds back the same share of every class, rounded down, so that a class of few rows trains on all of them.
 * @param labels class of each row
 */
export function stratifiedSplit(labels: readonly number[], share: number, seed: number): Split {
  const byClass = new Map<number, number[]>();
  for (const [i, label] of labels.entries()) {
    const rows = byClass.get(label);
    if (rows === undefined) byClass.set(label, [i]);
    else rows.push(i);
  }
  const train: number[] = [];
  const heldBack: number[] = [];
  for (const [label, rows] of [...byClass].sort(([a], [b]) => a - b)) {
    createRandom(seed, `split ${label}`).shuffle(rows);
    const count = Math.floor(rows.length * share);
    heldBack.push(...rows.slice(0, count));
    train.push(...rows.slice(count));
  }
  return { train, heldBack };
}
