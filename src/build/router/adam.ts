// Adam on typed arrays: the same bytes on every engine, and steps that touch only the rows a batch used.
// Source: Kingma and Ba 2015, algorithm 1, arXiv:1412.6980.
// Deviates: a row that a batch does not use keeps its moments as they are (lazy Adam).

const BETA1 = 0.9;
const BETA2 = 0.999;
/** An optimiser over one array of parameters. */
export interface Adam {
  /**
   * One step on elements `from` to `to` of the parameters.
   * @param gradient of the whole array; those elements are set to 0
   * @param step counted from 1
   */
  update(gradient: Float32Array, from: number, to: number, rate: number, step: number): void;
}

/**
 * Adam over `parameters`, which it changes in place.
 * @param epsilon added to the root of the second moment: gradients far below it move their parameters in proportion to their size
 */
export function createAdam(parameters: Float32Array, epsilon: number): Adam {
  const mean = new Float32Array(parameters.length);
  const square = new Float32Array(parameters.length);
  return {
    update(gradient, from, to, rate, step) {
      const size = rate / (1 - BETA1 ** step);
      const spread = 1 / (1 - BETA2 ** step);
      for (let i = from; i < to; i++) {
        const g = gradient[i];
        gradient[i] = 0;
        mean[i] = BETA1 * mean[i] + (1 - BETA1) * g;
        square[i] = BETA2 * square[i] + (1 - BETA2) * g * g;
        parameters[i] -= (size * mean[i]) / (Math.sqrt(square[i] * spread) + epsilon);
      }
    },
  };
}
