// A factor's numbers as fp32, fp16, int8 or int4. Integer forms are symmetric with one f32 scale per rank component: a column of
// U [m, r], a row of V [r, n]. Components differ in size by orders of magnitude; entries of one component do not.

import { TwinrouteError } from '../errors.ts';
import { floatToHalf, halfToFloat } from '../half.ts';
import type { Matrix } from '../linalg/matrix.ts';

/** How a factor's numbers are stored. */
export type FactorFormat = 'fp32' | 'fp16' | 'int8' | 'int4';

/** Which way the rank components of a factor lie: the columns of U or the rows of V. */
export type ComponentAxis = 'columns' | 'rows';

interface FactorShape {
  readonly rows: number;
  readonly cols: number;
}

/** Integer codes with their scales: number ≈ code · scale of its component. */
interface Scaled extends FactorShape {
  readonly axis: ComponentAxis;
  /** One per component; 0 where the component is zero. */
  readonly scales: Float32Array;
}

/**
 * A stored factor, row-major.
 * int4 packs two codes to a byte: code i of the row-major order is the low nibble of byte i/2 for even i, the high nibble of byte
 * (i − 1)/2 for odd i, in two's complement, from −7 to 7; a last odd nibble is 0. That is ONNX's INT4 layout.
 */
export type Factor =
  | (FactorShape & { readonly format: 'fp32'; readonly data: Float32Array })
  | (FactorShape & { readonly format: 'fp16'; readonly data: Uint16Array })
  | (Scaled & { readonly format: 'int8'; readonly data: Int8Array })
  | (Scaled & { readonly format: 'int4'; readonly data: Uint8Array });

/** Largest half: beyond it fp16 would store infinity. */
const HALF_MAX = 65_504;
/** Scales that int4 tries, as shares of the one that fits the largest entry: clipping a few entries can serve the many. */
const INT4_SHARES = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5];
/** int8's steps are so fine that clipping never pays. */
const INT8_SHARES = [1];

/**
 * Stores a factor.
 * @param a shape `[rows, cols]`, finite, not modified
 * @returns fresh buffers
 * @throws {TwinrouteError} `numeric` when fp16 cannot hold an entry
 * Cost: one pass over the entries; eleven for int4
 */
export function quantise(a: Matrix, format: FactorFormat, axis: ComponentAxis): Factor {
  const { rows, cols } = a;
  if (format === 'fp32') return { format, rows, cols, data: a.data.slice() };
  if (format === 'fp16') {
    const worst = a.data.find((value) => !(Math.abs(value) <= HALF_MAX));
    if (worst === undefined) return { format, rows, cols, data: floatToHalf(a.data) };
    throw new TwinrouteError('numeric', `quantise: expected numbers within ±${HALF_MAX} for fp16, got ${worst}`);
  }
  if (format === 'int8') {
    const { codes, scales } = encode(a, axis, 127, INT8_SHARES);
    return { format, rows, cols, axis, scales, data: codes };
  }
  const { codes, scales } = encode(a, axis, 7, INT4_SHARES);
  return { format, rows, cols, axis, scales, data: packNibbles(codes) };
}

/** The numbers that a stored factor stands for. Fresh buffers. */
export function dequantise(factor: Factor): Matrix {
  const { rows, cols, format } = factor;
  if (format === 'fp32') return { rows, cols, data: factor.data.slice() };
  if (format === 'fp16') return { rows, cols, data: halfToFloat(factor.data) };
  return { rows, cols, data: decode(factor, format === 'int8' ? factor.data : unpackNibbles(factor.data, rows * cols)) };
}

/** Bytes of a stored factor, scales included. */
export function factorBytes(factor: Factor): number {
  return factor.data.byteLength + ('scales' in factor ? factor.scales.byteLength : 0);
}

/** Bytes that one rank component of a matrix `[m, n]` takes: a column of U, a row of V, and their scales; int4's odd nibble counts half. */
export function componentBytes(format: FactorFormat, m: number, n: number): number {
  const scales = format === 'int8' || format === 'int4' ? 8 : 0;
  return (m + n) * { fp32: 4, fp16: 2, int8: 1, int4: 0.5 }[format] + scales;
}

/** Two's-complement nibbles, low one first; the layout is told at `Factor`. */
export function packNibbles(codes: Int8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(codes.length / 2));
  for (let i = 0; i < codes.length; i++) bytes[i >> 1] |= (codes[i] & 0xf) << (4 * (i & 1));
  return bytes;
}

/** The first `count` codes of packed nibbles. */
export function unpackNibbles(bytes: Uint8Array, count: number): Int8Array {
  // Shifting the nibble to the top of the word and back extends its sign.
  return Int8Array.from({ length: count }, (_, i) => (bytes[i >> 1] << (28 - 4 * (i & 1))) >> 28);
}

/** Where component c of a factor lies in its row-major data: `count` entries from `start`, `step` apart. */
function component({ rows, cols }: FactorShape, axis: ComponentAxis, c: number): { start: number; step: number; count: number } {
  return axis === 'columns' ? { start: c, step: cols, count: rows } : { start: c * cols, step: 1, count: cols };
}

function componentsOf({ rows, cols }: FactorShape, axis: ComponentAxis): number {
  return axis === 'columns' ? cols : rows;
}

function encode(a: Matrix, axis: ComponentAxis, limit: number, shares: readonly number[]): { codes: Int8Array; scales: Float32Array } {
  const codes = new Int8Array(a.data.length);
  const scales = new Float32Array(componentsOf(a, axis));
  for (let c = 0; c < scales.length; c++) {
    const { start, step, count } = component(a, axis, c);
    const values = Float32Array.from({ length: count }, (_, i) => a.data[start + i * step]);
    const scale = bestScale(values, limit, shares);
    if (scale === 0) continue;
    scales[c] = scale;
    for (let i = 0; i < count; i++) codes[start + i * step] = codeOf(values[i], scale, limit);
  }
  return { codes, scales };
}

function codeOf(value: number, scale: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, Math.round(value / scale)));
}

/** The f32 scale with the least squared error among the shares of the one that fits the largest entry; 0 for a zero component. */
function bestScale(values: Float32Array, limit: number, shares: readonly number[]): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  let best = 0;
  let least = Infinity;
  for (const share of shares) {
    const scale = Math.fround((share * largest) / limit);
    if (scale === 0) return best;
    let error = 0;
    for (const value of values) error += (value - scale * codeOf(value, scale, limit)) ** 2;
    if (error < least) {
      least = error;
      best = scale;
    }
  }
  return best;
}

function decode(factor: Scaled, codes: Int8Array): Float32Array {
  const data = new Float32Array(codes.length);
  for (let c = 0; c < factor.scales.length; c++) {
    const { start, step, count } = component(factor, factor.axis, c);
    for (let i = 0; i < count; i++) data[start + i * step] = codes[start + i * step] * factor.scales[c];
  }
  return data;
}
