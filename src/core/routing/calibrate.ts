// Calibration: a temperature under which a router's scores mean what they say, and how far they are from it.
// Source: Guo, Pleiss, Sun, Weinberger 2017, "On Calibration of Modern Neural Networks", sections 2 and 4.2, arXiv:1706.04599.

import { calibrationCurve, confusionMatrix, curveError, type CalibrationBin } from './calibration-curve.ts';
import { argmax, softmax } from './score.ts';

/** Rows that a router did not learn from. */
export interface ScoredRows {
  /** Logits of each row, `[N][T]`. */
  readonly logits: readonly ArrayLike<number>[];
  /** True class of each row, `[N]`. */
  readonly classes: ArrayLike<number>;
}

/** Temperatures that are looked at: a policy's own limits are (0, 100]. */
const LOWEST = 0.05;
const HIGHEST = 20;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Golden-section steps: 0.618³² of the interval of log temperatures is 1e-6. */
const STEPS = 32;

/**
 * The temperature of the least negative log-likelihood: the likelihood is log-concave in 1 / temperature, so a golden-section search
 * finds it. 1 when there are no rows.
 * Cost: 34 passes over the logits
 */
export function fitTemperature(rows: ScoredRows): number {
  if (rows.logits.length === 0) return 1;
  const loss = (logTemperature: number): number => negativeLogLikelihood(rows, Math.exp(logTemperature));
  let [low, high] = [Math.log(LOWEST), Math.log(HIGHEST)];
  let [a, b] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [lossA, lossB] = [loss(a), loss(b)];
  for (let step = 0; step < STEPS; step++) {
    if (lossA <= lossB) {
      [high, b, lossB] = [b, a, lossA];
      a = high - GOLDEN * (high - low);
      lossA = loss(a);
    } else {
      [low, a, lossA] = [a, b, lossB];
      b = low + GOLDEN * (high - low);
      lossB = loss(b);
    }
  }
  return Math.exp((low + high) / 2);
}

/** Mean negative log-likelihood of the true classes, in nats. */
export function negativeLogLikelihood({ logits, classes }: ScoredRows, temperature: number): number {
  let sum = 0;
  for (const [i, row] of logits.entries()) sum -= Math.log(Math.max(softmax(row, temperature)[classes[i]], Number.MIN_VALUE));
  return sum / logits.length;
}

/**
 * The expected calibration error in [0, 1]: how far confidence and accuracy are apart, on average over equal-width bins of confidence
 * weighted by their rows. 0 when there are no rows.
 */
export function calibrationError(rows: ScoredRows, temperature: number): number {
  return curveError(curveOf(rows, temperature));
}

/** What a router took for what, and how sure it was. */
export interface Assessment {
  /** Rows by true and answered class, `[T][T]`. */
  readonly confusion: readonly (readonly number[])[];
  readonly curve: readonly CalibrationBin[];
}

/** The assessment of a router on rows that it did not learn from. */
export function assess(rows: ScoredRows, classCount: number, temperature: number): Assessment {
  return { confusion: confusionMatrix(rows.classes, rows.logits.map(argmax), classCount), curve: curveOf(rows, temperature) };
}

function curveOf({ logits, classes }: ScoredRows, temperature: number): CalibrationBin[] {
  const answered = logits.map(argmax);
  return calibrationCurve(
    logits.map((row, i) => softmax(row, temperature)[answered[i]]),
    answered.map((answer, i) => answer === classes[i]),
  );
}

/** Share of rows whose highest logit is the true class; 0 when there are no rows. */
export function accuracy({ logits, classes }: ScoredRows): number {
  let right = 0;
  for (const [i, row] of logits.entries()) if (argmax(row) === classes[i]) right++;
  return right / Math.max(1, logits.length);
}
