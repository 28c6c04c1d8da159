// Dense row-major tensors as plain data: what formats read, interpreters run and sessions take and give.
// No methods, no strides, no views: a tensor owns `data`, whose length is the product of `shape`.

import { TwinrouteError } from './errors.ts';

/** Element types and the typed arrays that hold them. */
export interface ArrayOf {
  float32: Float32Array;
  /** IEEE half precision, as raw bits. */
  float16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int32: Int32Array;
  int64: BigInt64Array;
  bool: Uint8Array;
}

/** Element type of a tensor. */
export type DType = keyof ArrayOf;

/** A dense row-major tensor. */
export interface TensorOf<D extends DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: ArrayOf[D];
}

/** A tensor of any element type (a union, so that `dtype` narrows `data`). */
export type Tensor = { [D in DType]: TensorOf<D> }[DType];

/** An f32 tensor. */
export type FloatTensor = TensorOf<'float32'>;

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/**
 * An f32 tensor over `data` (not copied).
 * @throws {TwinrouteError} `shape` when the length is not the product of the shape
 */
export function floatTensor(shape: readonly number[], data: Float32Array): FloatTensor {
  if (data.length === sizeOf(shape)) return { dtype: 'float32', shape, data };
  throw new TwinrouteError('shape', `floatTensor: expected ${sizeOf(shape)} elements for [${shape.join(', ')}], got ${data.length}`);
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

/**
 * The f32 tensor itself, when it is one of the wanted shape.
 * @throws {TwinrouteError} `shape` naming `title`, the wanted and the found dtype and shape
 */
export function expectFloat(tensor: Tensor | undefined, shape: readonly number[], title: string): FloatTensor {
  if (tensor?.dtype === 'float32' && sameShape(tensor.shape, shape)) return tensor;
  const got = tensor === undefined ? 'nothing' : `${tensor.dtype} [${tensor.shape.join(', ')}]`;
  throw new TwinrouteError('shape', `${title}: expected float32 [${shape.join(', ')}], got ${got}`);
}
