// The f64 inner loops that the decompositions share. A `Dense` is row-major; decompositions hold the vectors that they work on as
// its rows, so that every loop runs over neighbouring numbers. Nothing here allocates except where it says so.

import type { Matrix } from './matrix.ts';

/** A dense row-major f64 matrix `[rows, cols]`, the working form of a `Matrix`. */
export interface Dense {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
}

/** A fresh zero `[rows, cols]`. */
export function zeros(rows: number, cols: number): Dense {
  return { rows, cols, data: new Float64Array(rows * cols) };
}

/** Row `i` of `a`, shape `[cols]`; aliases `a`. */
export function rowOf(a: Dense, i: number): Float64Array {
  return a.data.subarray(i * a.cols, (i + 1) * a.cols);
}

/** Every row of `a`; the rows alias it. Taken once before a loop: making a view costs as much as a hundred multiply-adds. */
export function rowsOf(a: Dense): Float64Array[] {
  return Array.from({ length: a.rows }, (_, i) => rowOf(a, i));
}

/** A fresh f64 copy of `a`, transposed when asked. */
export function widen(a: Matrix, transpose = false): Dense {
  const { rows, cols } = a;
  return transpose
    ? { rows: cols, cols: rows, data: transposed(a.data, rows, cols, new Float64Array(a.data.length)) }
    : { rows, cols, data: Float64Array.from(a.data) };
}

/** A fresh f32 copy of `a`, transposed when asked. */
export function narrow(a: Dense, transpose = false): Matrix {
  const { rows, cols } = a;
  return transpose
    ? { rows: cols, cols: rows, data: transposed(a.data, rows, cols, new Float32Array(a.data.length)) }
    : { rows, cols, data: Float32Array.from(a.data) };
}

function transposed<T extends Float32Array | Float64Array>(from: Float32Array | Float64Array, rows: number, cols: number, to: T): T {
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) to[j * rows + i] = from[i * cols + j];
  return to;
}

/** Σ x[i]·y[i] for i in [from, to). Four running sums, because one would wait for its own addition. */
export function dot(x: Float64Array, y: Float64Array, from = 0, to = x.length): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = from;
  for (; i + 3 < to; i += 4) {
    s0 += x[i] * y[i];
    s1 += x[i + 1] * y[i + 1];
    s2 += x[i + 2] * y[i + 2];
    s3 += x[i + 3] * y[i + 3];
  }
  for (; i < to; i++) s0 += x[i] * y[i];
  return s0 + s1 + (s2 + s3);
}

/** y[i] += scale · x[i] for i in [from, to). */
export function axpy(scale: number, x: Float64Array, y: Float64Array, from = 0, to = x.length): void {
  for (let i = from; i < to; i++) y[i] += scale * x[i];
}

/**
 * y ← (I − beta·v·vᵀ)·y for each y of `rows` from index `first` on, where v is read in [from, to) only.
 * Four rows at a time, so that each v[i] is loaded once for four products.
 */
export function reflect(v: Float64Array, beta: number, rows: readonly Float64Array[], first: number, from: number, to: number): void {
  if (beta === 0) return;
  let row = first;
  for (; row + 3 < rows.length; row += 4) {
    const a = rows[row];
    const b = rows[row + 1];
    const c = rows[row + 2];
    const d = rows[row + 3];
    let va = 0;
    let vb = 0;
    let vc = 0;
    let vd = 0;
    for (let i = from; i < to; i++) {
      const x = v[i];
      va += x * a[i];
      vb += x * b[i];
      vc += x * c[i];
      vd += x * d[i];
    }
    va *= beta;
    vb *= beta;
    vc *= beta;
    vd *= beta;
    for (let i = from; i < to; i++) {
      const x = v[i];
      a[i] -= va * x;
      b[i] -= vb * x;
      c[i] -= vc * x;
      d[i] -= vd * x;
    }
  }
  for (; row < rows.length; row++) axpy(-beta * dot(v, rows[row], from, to), v, rows[row], from, to);
}

/** x[i] *= scale. */
export function scaleInPlace(x: Float64Array, scale: number): void {
  for (let i = 0; i < x.length; i++) x[i] *= scale;
}

/** The plane rotation (x, y) ← (c·x − s·y, s·x + c·y). */
export function rotate(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let i = 0; i < x.length; i++) {
    const held = y[i];
    y[i] = s * x[i] + c * held;
    x[i] = c * x[i] - s * held;
  }
}

/** Σ x², accumulated in f64: the squared Frobenius norm of what `x` holds. */
export function energyOf(x: Float32Array | Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  return sum;
}

/**
 * `w · wᵀ` as a fresh symmetric `[q, q]` for `w [q, p]`.
 * Cost: q²p/2 multiply-adds; two by two rows at a time halve the loads.
 */
export function gramOfRows(w: Dense): Dense {
  const { rows: q, cols: p } = w;
  const rows = rowsOf(w);
  const g = zeros(q, q);
  const put = (i: number, j: number, value: number): void => {
    g.data[i * q + j] = value;
    g.data[j * q + i] = value;
  };
  for (let i = 0; i < q; i += 2) {
    const a = rows[i];
    if (i + 1 === q) {
      for (let j = 0; j <= i; j++) put(i, j, dot(a, rows[j]));
      break;
    }
    const b = rows[i + 1];
    for (let j = 0; j <= i; j += 2) {
      const c = rows[j];
      const d = rows[j + 1];
      let ac = 0;
      let ad = 0;
      let bc = 0;
      let bd = 0;
      for (let k = 0; k < p; k++) {
        ac += a[k] * c[k];
        ad += a[k] * d[k];
        bc += b[k] * c[k];
        bd += b[k] * d[k];
      }
      put(i, j, ac);
      put(i, j + 1, ad);
      put(i + 1, j, bc);
      put(i + 1, j + 1, bd);
    }
  }
  return g;
}

/**
 * `x · w` as a fresh `[r, p]` for `x [r, q]`, `w [q, p]`.
 * Cost: rqp multiply-adds; four rows of `w` at a time quarter the stores.
 */
export function multiply(x: Dense, w: Dense): Dense {
  const { rows: r, cols: q } = x;
  const p = w.cols;
  const out = zeros(r, p);
  const rows = rowsOf(w);
  for (let i = 0; i < r; i++) {
    const to = rowOf(out, i);
    const from = rowOf(x, i);
    let k = 0;
    for (; k + 3 < q; k += 4) {
      const [x0, x1, x2, x3] = [from[k], from[k + 1], from[k + 2], from[k + 3]];
      const w0 = rows[k];
      const w1 = rows[k + 1];
      const w2 = rows[k + 2];
      const w3 = rows[k + 3];
      for (let j = 0; j < p; j++) to[j] += x0 * w0[j] + x1 * w1[j] + x2 * w2[j] + x3 * w3[j];
    }
    for (; k < q; k++) axpy(from[k], rows[k], to);
  }
  return out;
}
