// Whether a router is right as often as it says, by bins of what it says, and the matrix of what it took for what.

/** Rows of about the same confidence. */
export interface CalibrationBin {
  /** At least 1. */
  readonly rows: number;
  /** Mean probability that was stated. */
  readonly confidence: number;
  /** Share of the rows that were right. */
  readonly accuracy: number;
}

/** Bins of equal width over [0, 1]. */
export const CALIBRATION_BINS = 15;

/**
 * The bins that have rows, by rising confidence.
 * @param confidences stated probabilities, `[N]`, each in [0, 1]
 * @param right whether each row was right, `[N]`
 */
export function calibrationCurve(confidences: readonly number[], right: readonly boolean[], bins = CALIBRATION_BINS): CalibrationBin[] {
  const rows = new Float64Array(bins);
  const stated = new Float64Array(bins);
  const hits = new Float64Array(bins);
  for (const [i, confidence] of confidences.entries()) {
    const bin = Math.min(bins - 1, Math.floor(confidence * bins));
    rows[bin]++;
    stated[bin] += confidence;
    if (right[i]) hits[bin]++;
  }
  return Array.from(rows.keys())
    .filter((bin) => rows[bin] > 0)
    .map((bin) => ({ rows: rows[bin], confidence: stated[bin] / rows[bin], accuracy: hits[bin] / rows[bin] }));
}

/** The expected calibration error in [0, 1]: how far confidence and accuracy are apart, on average over rows; 0 without any. */
export function curveError(curve: readonly CalibrationBin[]): number {
  const total = curve.reduce((sum, { rows }) => sum + rows, 0);
  return curve.reduce((sum, { rows, confidence, accuracy }) => sum + rows * Math.abs(confidence - accuracy), 0) / Math.max(1, total);
}

/**
 * How many rows of each class were taken for each: `[true class][answered class]`.
 * @param truth true class of each row, `[N]`, below `classes`
 * @param answered the class that was taken, `[N]`, below `classes`
 */
export function confusionMatrix(truth: ArrayLike<number>, answered: ArrayLike<number>, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  for (let i = 0; i < truth.length; i++) matrix[truth[i]][answered[i]]++;
  return matrix;
}
