// Matrix products on an engine.

import { TwinrouteError } from '../../core/errors.ts';
import type { MatMul } from '../../core/linalg/matrix.ts';
import type { Tfjs } from './engine.ts';

/**
 * The product of tfjs's active backend.
 * @returns a `MatMul` that throws `shape` when the inner extents differ
 */
export function createMatMul(tf: Tfjs): MatMul {
  return async (a, b, transposeA = false, transposeB = false) => {
    const [rows, inner] = transposeA ? [a.cols, a.rows] : [a.rows, a.cols];
    const [innerB, cols] = transposeB ? [b.cols, b.rows] : [b.rows, b.cols];
    if (inner !== innerB)
      throw new TwinrouteError('shape', `matmul: expected equal inner extents, got [${rows}, ${inner}] · [${innerB}, ${cols}]`);
    if (rows * inner * cols === 0) return { rows, cols, data: new Float32Array(rows * cols) };
    const product = tf.tidy(() => {
      const left = tf.tensor2d(a.data, [a.rows, a.cols]);
      const right = tf.tensor2d(b.data, [b.rows, b.cols]);
      // Transposed apart from the product: the wasm backend leaves its fast kernel when a flag is set.
      return tf.matMul(transposeA ? tf.transpose(left) : left, transposeB ? tf.transpose(right) : right);
    });
    try {
      return { rows, cols, data: Float32Array.from(await product.data()) };
    } finally {
      product.dispose();
    }
  };
}
