// The plain product: what decompositions are given when no engine is at hand.

import { TwinrouteError } from '../errors.ts';
import type { MatMul, Matrix } from './matrix.ts';
import { multiply, narrow, widen } from './kernels.ts';

/**
 * `op(a) · op(b)` in JavaScript, accumulated in f64 and rounded once.
 * @throws {TwinrouteError} `shape` when the inner extents differ
 * Cost: mkn multiply-adds, and f64 copies of `a`, `b` and the result
 */
export const matmulPlain: MatMul = (a: Matrix, b: Matrix, transposeA = false, transposeB = false): Promise<Matrix> =>
  new Promise((resolve) => {
    const left = widen(a, transposeA);
    const right = widen(b, transposeB);
    if (left.cols !== right.rows) {
      throw new TwinrouteError(
        'shape',
        `matmul: expected equal inner extents, got [${left.rows}, ${left.cols}] · [${right.rows}, ${right.cols}]`,
      );
    }
    resolve(narrow(multiply(left, right)));
  });
