// The oldest of some rows and those nearest to it in length, as many as make most of a run's time useful.

/** Rows that could make a run, and how much of its time is useful: tokens a millisecond. */
export interface Candidate {
  /** Indices, the nearest first. */
  readonly rows: readonly number[];
  readonly efficiency: number;
}

/** The nearest rows so far. */
export interface Nearest {
  readonly rows: readonly number[];
  /** Of all of them. */
  readonly tokens: number;
  /** Of each of them, ascending. */
  readonly lengths: readonly number[];
}

/**
 * Adds row after row. Of rows that are as far, whoever came first is nearer; of runs that are as useful, the larger one wins.
 * @param lengths tokens of each waiting row; row 0 is the oldest
 * @param among indices of the rows that may run, with 0 among them
 * @param msOf what a run of these rows would take; undefined where they and more would be too many
 * Cost: O(among · log among + maxRows · (maxRows + msOf))
 */
export function nearestRows(
  lengths: readonly number[],
  among: readonly number[],
  maxRows: number,
  msOf: (nearest: Nearest) => number | undefined,
): Candidate {
  const distance = (i: number): number => Math.abs(lengths[i] - lengths[0]);
  const order = [...among].sort((a, b) => distance(a) - distance(b) || a - b).slice(0, maxRows);
  const rows: number[] = [];
  const sorted: number[] = [];
  let tokens = 0;
  let best = { count: 1, efficiency: 0 };
  for (const i of order) {
    const own = lengths[i];
    rows.push(i);
    tokens += own;
    const above = sorted.findIndex((length) => length > own);
    sorted.splice(above < 0 ? sorted.length : above, 0, own);
    const ms = msOf({ rows, tokens, lengths: sorted });
    if (ms === undefined) break;
    if (tokens / ms >= best.efficiency) best = { count: rows.length, efficiency: tokens / ms };
  }
  return { rows: order.slice(0, best.count), efficiency: best.efficiency };
}
