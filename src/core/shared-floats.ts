// Numbers that threads read without copying.

/** Zeros on shared memory. */
export function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}

/** A copy on shared memory. */
export function toShared(data: Float32Array): Float32Array {
  const shared = sharedFloats(data.length);
  shared.set(data);
  return shared;
}
