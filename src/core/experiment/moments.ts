// Sums from which means and their variance follow when requests of one unit are alike. Traffic is assigned by unit (a user, a key) but
// measured by request; to count a user's hundred requests as a hundred independent ones would make every interval too narrow. So each unit
// is one draw of (n, x), its number of observations and their sum, and the mean is the ratio Σx / Σn.

/** One unit's observations of one metric. */
export interface Cell {
  n: number;
  x: number;
}

/** Sums over the units of an arm, for one metric. */
export interface Moments {
  units: number;
  /** Σn and Σx. */
  n: number;
  x: number;
  /** Σn², Σx² and Σnx. */
  nn: number;
  xx: number;
  nx: number;
}

/** Values of one request by metric; a metric that it has nothing to say about is left out. */
export type Values = Readonly<Record<string, number>>;

/**
 * Adds one request of a unit.
 * @param moments of the unit's arm by metric; changed
 * @param cells of the unit by metric; changed
 */
export function addValues(moments: Record<string, Moments>, cells: Record<string, Cell>, values: Values): void {
  for (const [metric, value] of Object.entries(values)) {
    const sums = (moments[metric] ??= { units: 0, n: 0, x: 0, nn: 0, xx: 0, nx: 0 });
    const cell = (cells[metric] ??= { n: 0, x: 0 });
    if (cell.n === 0) sums.units += 1;
    sums.nn += 2 * cell.n + 1;
    sums.xx += 2 * cell.x * value + value * value;
    sums.nx += cell.n * value + cell.x + value;
    sums.n += 1;
    sums.x += value;
    cell.n += 1;
    cell.x += value;
  }
}

/** A mean and its sampling variance. */
export interface Estimate {
  readonly units: number;
  readonly n: number;
  readonly mean: number;
  /** Variance of the mean by the delta method over units; infinite for fewer than two. */
  readonly variance: number;
}

/**
 * The mean over requests with its variance over units.
 * Source: linearisation of a ratio, Cochran, Sampling Techniques, 3rd ed., eq. 6.4; Deng et al. 2018, arXiv:1803.06336
 */
export function estimate({ units, n, x, nn, xx, nx }: Moments): Estimate {
  const mean = n === 0 ? Number.NaN : x / n;
  if (units < 2) return { units, n, mean, variance: Number.POSITIVE_INFINITY };
  // Rounding may leave a negative remainder where all units agree.
  const residual = Math.max(0, xx - 2 * mean * nx + mean * mean * nn);
  return { units, n, mean, variance: ((units / (units - 1)) * residual) / (n * n) };
}
