// A small maximiser with bounds for smooth functions of a few variables: the sign of each derivative decides, its size does not, so that
// nothing has to be scaled.

/** A function's value and gradient. */
export interface Slope {
  readonly value: number;
  readonly gradient: Float64Array;
}

const FIRST_STEP = 0.2;
const LARGEST_STEP = 1;
/** A search ends when every step is below this. */
const SMALLEST_STEP = 1e-3;

/**
 * The best point that was seen on the way up from `start`.
 * @param slopeAt the function; undefined where it is not defined, which ends the way
 * @param bounds of each variable; `start` lies within
 * @returns undefined when the function is not defined at `start`
 * Cost: `steps` evaluations at most
 * Source: iRprop−, Igel and Hüsken 2000
 */
export function ascend(
  slopeAt: (x: Float64Array) => Slope | undefined,
  start: readonly number[],
  bounds: readonly (readonly [min: number, max: number])[],
  steps: number,
): { readonly x: Float64Array; readonly value: number } | undefined {
  const x = Float64Array.from(start);
  const sizes = x.map(() => FIRST_STEP);
  const before = new Float64Array(x.length);
  let best: { readonly x: Float64Array; readonly value: number } | undefined;
  for (let step = 0; step < steps && sizes.some((size) => size >= SMALLEST_STEP); step++) {
    const slope = slopeAt(x);
    if (slope === undefined) break;
    if (best === undefined || slope.value > best.value) best = { x: x.slice(), value: slope.value };
    for (let i = 0; i < x.length; i++) {
      const agreement = slope.gradient[i] * before[i];
      if (agreement > 0) sizes[i] = Math.min(LARGEST_STEP, sizes[i] * 1.2);
      if (agreement < 0) sizes[i] *= 0.5;
      before[i] = agreement < 0 ? 0 : slope.gradient[i];
      x[i] = Math.min(bounds[i][1], Math.max(bounds[i][0], x[i] + Math.sign(before[i]) * sizes[i]));
    }
  }
  return best;
}
