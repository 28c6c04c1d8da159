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

/** Shared memory under a name, of so many numbers; what they are is left over from whoever had it before. */
export type Scratch = (name: string, length: number) => Float32Array;

/** Scratch memory that is kept and grows to the most that was asked for: fresh pages for every use would cost more than filling them. */
export function createScratch(): Scratch {
  const kept = new Map<string, Float32Array>();
  return (name, length) => {
    const known = kept.get(name);
    const floats = known !== undefined && known.length >= length ? known : sharedFloats(length);
    kept.set(name, floats);
    return floats.subarray(0, length);
  };
}
