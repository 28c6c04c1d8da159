// The matrix type of the decompositions and the product they are given. Decompositions state their need for products
// through `MatMul`, so that a build hands them TensorFlow's while a test or a tiny matrix takes the plain loop.

/** A dense row-major f32 matrix `[rows, cols]`; `data.length = rows · cols`. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float32Array;
}

/**
 * `op(a) · op(b)` as a fresh matrix, where `op` transposes when its flag is set.
 * Asynchronous, because engines on a device answer later.
 */
export type MatMul = (a: Matrix, b: Matrix, transposeA?: boolean, transposeB?: boolean) => Promise<Matrix>;
