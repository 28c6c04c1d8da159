// A linear scale with round ticks.

/** Values to coordinates. */
export interface Scale {
  place(value: number): number;
  readonly ticks: readonly number[];
}

/**
 * A scale over values with some air at both ends.
 * @param from coordinate of the low end
 * @param to coordinate of the high end
 */
export function scaleOver(values: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const size = Math.max(Math.abs(low), Math.abs(high));
  // Values that differ by rounding alone are one value, and next to nothing is nothing.
  const air = high - low > 1e-9 * size ? 0.05 * (high - low) : 0.05 * (size > 1e-300 ? size : 1);
  return scaleFrom(low - air, high + air, from, to);
}

/** A scale from `low` to `high`, `low < high`. */
export function scaleFrom(low: number, high: number, from: number, to: number): Scale {
  const step = roundStep((high - low) / 4);
  // Sums of steps would drift off the round numbers.
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return {
    place: (value) => from + ((value - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => Number(((first + k) * step).toPrecision(12))),
  };
}

/** 1, 2 or 5 times a power of ten, the nearest from below. */
function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  const times = size / power;
  return power * (times >= 5 ? 5 : times >= 2 ? 2 : 1);
}
