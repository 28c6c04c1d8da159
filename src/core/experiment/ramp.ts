// A ramp: coverage that grows by steps as time passes. Enrolled units stay enrolled, see `bucketRanges`.

/** A ramp's schedule. */
export interface Ramp {
  /** When the clock of the steps starts, ISO 8601. */
  readonly start: string;
  /** By rising `after_seconds`. */
  readonly steps: readonly { readonly after_seconds: number; readonly coverage: number }[];
}

/**
 * The coverage at a time: the last step's that has begun, 0 before the first, and never more than `coverage`.
 * @param nowMs Unix time in milliseconds
 */
export function coverageAt(coverage: number, ramp: Ramp | undefined, nowMs: number): number {
  if (ramp === undefined) return coverage;
  const seconds = (nowMs - Date.parse(ramp.start)) / 1000;
  const step = ramp.steps.findLast(({ after_seconds }) => after_seconds <= seconds);
  return Math.min(coverage, step?.coverage ?? 0);
}
