// Adam in f64 over few parameters, with a state that can be written down: what is learnt about a merge is a handful of coefficients, and
// learning them can be stopped and continued to the same bit.
// Source: Kingma and Ba 2015, algorithm 1, arXiv:1412.6980.

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Where an optimisation stands; JSON keeps it exactly. */
export interface AdamState {
  /** Steps taken. */
  readonly step: number;
  /** The parameters. */
  readonly values: readonly number[];
  /** Running mean of each gradient. */
  readonly mean: readonly number[];
  /** Running mean of each squared gradient. */
  readonly square: readonly number[];
}

/** The state before the first step. */
export function startAdam(values: readonly number[]): AdamState {
  return { step: 0, values, mean: values.map(() => 0), square: values.map(() => 0) };
}

/** The state after one step. A parameter whose gradient has always been 0 stays where it is. */
export function stepAdam(state: AdamState, gradient: readonly number[], rate: number): AdamState {
  const step = state.step + 1;
  const mean = state.mean.map((value, i) => BETA1 * value + (1 - BETA1) * gradient[i]);
  const square = state.square.map((value, i) => BETA2 * value + (1 - BETA2) * gradient[i] ** 2);
  const values = state.values.map((value, i) => {
    const spread = Math.sqrt(square[i] / (1 - BETA2 ** step)) + EPSILON;
    return value - (rate * mean[i]) / (1 - BETA1 ** step) / spread;
  });
  return { step, values, mean, square };
}
