// Merges one planned tensor to its stored bytes, in buffers that the next one uses again. Linear methods, which work entry by entry, go
// through it in parts, so that nothing but the result has its size; the others see it whole.

import { TwinrouteError } from '../../core/errors.ts';
import type { MatMul } from '../../core/linalg/matrix.ts';
import { mergeTensor, type StaticMethod } from '../../core/merge/method.ts';
import { createRandom } from '../../core/random.ts';
import { sizeOf } from '../../core/tensor.ts';
import { storeFloats } from '../../formats/safetensors-writer.ts';
import { STORED_BYTES, type StoredType } from '../../formats/safetensors-types.ts';
import type { PlannedMerge } from './plan-tensors.ts';

/** What merging needs beside the plan. */
export interface MergerDeps {
  readonly matmul: MatMul;
  readonly seed: number;
}

/** The stored bytes of a tensor's merge. @throws {TwinrouteError} `numeric` when they are not finite in their type */
export type Merger = (tensor: PlannedMerge) => Promise<ArrayBufferView>;

/** Entries of a part: 4 MiB of f32. */
const PART = 1 << 20;
const LARGEST: Partial<Record<StoredType, number>> = { F16: 65_504, BF16: 3.3895314e38 };

/** A merger of one tensor after another; not to be called again before it has answered. */
export function createMerger(method: StaticMethod, { matmul, seed }: MergerDeps): Merger {
  const buffers: Float32Array[] = [];
  /** The i-th buffer, of that size; what it holds is whatever was last in it. */
  const bufferOf = (i: number, size: number): Float32Array => {
    if ((buffers[i]?.length ?? 0) < size) buffers[i] = new Float32Array(size);
    return buffers[i].subarray(0, size);
  };
  return async (tensor) => {
    const { name, shape, dtype, copy, base: origin, experts, parameters, expertParameters } = tensor;
    if (copy !== undefined) return copy.model.readBytes(copy.name);
    const size = sizeOf(shape);
    const width = STORED_BYTES[dtype];
    const bytes = new Uint8Array(size * width);
    const part = method.kind === 'linear' ? PART : size;
    for (let start = 0; start < size; start += part) {
      const count = Math.min(part, size - start);
      const base = bufferOf(0, count);
      if (origin === undefined) base.fill(0);
      else await origin.model.readFloats(origin.name, base, start);
      const vectors = experts.map((_, t) => bufferOf(t + 1, count));
      await Promise.all(experts.map(({ model, name: stored }, t) => model.readFloats(stored, vectors[t], start)));
      if (origin !== undefined) for (const vector of vectors) subtract(vector, base);
      const context = { name, shape, base, vectors, parameters, experts: expertParameters, random: createRandom(seed, name), matmul };
      const stored = store(await mergeTensor(method, context), dtype, name);
      bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), start * width);
    }
    return bytes;
  };
}

/** from −= what, in place. Apart from the asynchronous function above, whose loops V8 optimises badly. */
function subtract(from: Float32Array, what: Float32Array): void {
  for (let i = 0; i < from.length; i++) from[i] -= what[i];
}

/** The values in their stored type. */
function store(values: Float32Array, dtype: StoredType, name: string): ArrayBufferView {
  const stored = dtype === 'F64' ? Float64Array.from(values) : storeFloats(values, dtype === 'F16' || dtype === 'BF16' ? dtype : 'F32');
  // The merge has seen to it that the values are finite: only a half can be too small for them.
  if (!(stored instanceof Uint16Array) || isFinite16(stored, dtype === 'F16' ? 0x7c00 : 0x7f80)) return stored;
  const worst = values.find((value) => Math.abs(value) > (LARGEST[dtype] ?? Infinity));
  throw new TwinrouteError('numeric', `${name}: expected merged weights that fit ${dtype}, got ${worst}`, { param: 'dtype' });
}

/** Whether none of the words has all bits of its exponent set, as NaN and infinity have. */
function isFinite16(words: Uint16Array, exponent: number): boolean {
  for (let i = 0; i < words.length; i++) if ((words[i] & exponent) === exponent) return false;
  return true;
}
