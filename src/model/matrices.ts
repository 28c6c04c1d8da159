// Rearranging weights for a graph: fresh row-major data, made while a file is assembled.

import type { FloatTensor } from '../core/tensor.ts';

/** The data of a matrix `[m, n]` as `[n, m]`. */
export function transpose(data: Float32Array, [m, n]: readonly number[]): Float32Array {
  const out = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) out[j * m + i] = data[i * n + j];
  }
  return out;
}

/** The data of matrices of equal width, or of vectors, below one another. */
export function concatRows(parts: readonly FloatTensor[]): Float32Array {
  const out = new Float32Array(parts.reduce((size, part) => size + part.data.length, 0));
  let offset = 0;
  for (const { data } of parts) {
    out.set(data, offset);
    offset += data.length;
  }
  return out;
}

/** The data of matrices of m rows beside one another. */
export function concatColumns(parts: readonly FloatTensor[]): Float32Array {
  const m = parts[0].shape[0];
  const columns = parts.reduce((sum, part) => sum + part.shape[1], 0);
  const out = new Float32Array(m * columns);
  let start = 0;
  for (const { shape, data } of parts) {
    const width = shape[1];
    for (let i = 0; i < m; i++) out.set(data.subarray(i * width, (i + 1) * width), i * columns + start);
    start += width;
  }
  return out;
}
