// Weights that are NaN or infinite are bad input: refused where they enter, before they spread through a merge.

import { TwinrouteError } from './errors.ts';
import type { FloatTensor } from './tensor.ts';

/**
 * The tensor itself, when all its values are finite.
 * @param title what it is, for the message
 * @throws {TwinrouteError} `format` naming the first value that is not and its index `[i, j, …]`
 * Cost: O(n), one pass
 */
export function expectFinite(tensor: FloatTensor, title: string): FloatTensor {
  const { data, shape } = tensor;
  for (let i = 0; i < data.length; i++) {
    // x − x is 0 for finite x and NaN otherwise; one comparison an element.
    if (data[i] - data[i] !== 0)
      throw new TwinrouteError('format', `${title}: expected finite values, got ${data[i]} at [${indexOf(i, shape).join(', ')}]`);
  }
  return tensor;
}

/** Row-major position as one index an axis. */
function indexOf(position: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = position;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}
