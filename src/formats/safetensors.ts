// Reads safetensors files tensor by tensor: opening reads the header, a read reads the bytes of one tensor.

import { TwinrouteError } from '../core/errors.ts';
import { bfloatToFloat, halfToFloat } from '../core/half.ts';
import { floatTensor, type FloatTensor, type Tensor } from '../core/tensor.ts';
import { readSafetensorsHeader, type TensorInfo } from './safetensors-header.ts';
import { STORED_BYTES } from './safetensors-types.ts';
import type { ByteSource } from './source.ts';

export type { TensorInfo } from './safetensors-header.ts';

/** An open file. */
export interface Safetensors {
  /** Shown in errors. */
  readonly name: string;
  /** Names of all tensors, sorted. */
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where a tensor lies; undefined when there is none of that name. */
  info(name: string): TensorInfo | undefined;
  /**
   * A tensor as it is stored, except that BF16 becomes f32.
   * @throws {TwinrouteError} `not_found`; `unsupported` for F64, C64, the 8-bit floats and 16-bit or unsigned integers wider than a byte
   */
  read(name: string): Promise<Tensor>;
  /**
   * A tensor as f32, from F64, F32, F16 or BF16.
   * @throws {TwinrouteError} `not_found`; `shape` when it holds integers; `unsupported` for the 8-bit floats and complex numbers
   */
  readFloat(name: string): Promise<FloatTensor>;
  /**
   * Fills `target` with the entries of a tensor from `start` on, in row-major order: the same numbers as `readFloat`, without a buffer of
   * the tensor's size.
   * @throws {TwinrouteError} as `readFloat`; `format` when a value is NaN or infinite; `shape` when the range is not inside the tensor
   */
  readFloats(name: string, target: Float32Array, start?: number): Promise<void>;
  /**
   * The stored bytes of a tensor, whatever its type.
   * @throws {TwinrouteError} `not_found`
   */
  readBytes(name: string): Promise<Uint8Array>;
}

/** Bytes read at a time where the caller gives the target; 4 MiB stay in a core's cache while they are widened. */
const PART_BYTES = 4 << 20;

/**
 * Opens a file; data is read when it is asked for, into fresh buffers. Assumes a little-endian machine, as Node and workerd only run on.
 * @throws {TwinrouteError} as `readSafetensorsHeader`
 */
export async function openSafetensors(source: ByteSource): Promise<Safetensors> {
  const { tensors, metadata } = await readSafetensorsHeader(source);

  const spare: ArrayBuffer[] = [];

  function infoOf(name: string): TensorInfo {
    const info = tensors.get(name);
    if (info !== undefined) return info;
    throw new TwinrouteError('not_found', `${source.name}: expected a tensor ${JSON.stringify(name)}, got none of that name`);
  }

  async function bytesOf(name: string): Promise<{ info: TensorInfo; buffer: ArrayBuffer; title: string }> {
    const info = infoOf(name);
    return { info, buffer: aligned(await source.read(info.offset, info.bytes)), title: `${source.name}: ${name}` };
  }

  return {
    name: source.name,
    names: [...tensors.keys()],
    metadata,
    info: (name) => tensors.get(name),
    async read(name) {
      const { info, buffer, title } = await bytesOf(name);
      return toTensor(info, buffer, title);
    },
    async readFloat(name) {
      const { info, buffer, title } = await bytesOf(name);
      return toFloatTensor(info, buffer, title);
    },
    async readFloats(name, target, start = 0) {
      const info = infoOf(name);
      const width = STORED_BYTES[info.dtype];
      if ((start + target.length) * width > info.bytes)
        throw new TwinrouteError(
          'shape',
          `${source.name}: ${name}: expected a range of ${info.bytes / width} entries, got ${start} to ${start + target.length}`,
        );
      const part = PART_BYTES / width;
      const scratch = spare.pop() ?? new ArrayBuffer(PART_BYTES);
      for (let done = 0; done < target.length; done += part) {
        const count = Math.min(part, target.length - done);
        const bytes = await source.read(info.offset + (start + done) * width, count * width, new Uint8Array(scratch, 0, count * width));
        const values = target.subarray(done, done + count);
        if (widenInto(values, info, bytes, `${source.name}: ${name}`)) continue;
        const bad = firstNotFinite(values);
        throw new TwinrouteError(
          'format',
          `${source.name}: ${name}: expected finite values, got ${values[bad]} at entry ${start + done + bad}`,
        );
      }
      spare.push(scratch);
    },
    async readBytes(name) {
      return new Uint8Array((await bytesOf(name)).buffer);
    },
  };
}

/** The bytes as a buffer of their own, which any typed array may view. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength === byteLength ? buffer : new Uint8Array(bytes).buffer;
}

function toTensor({ dtype, shape }: TensorInfo, buffer: ArrayBuffer, title: string): Tensor {
  switch (dtype) {
    case 'F32':
      return { dtype: 'float32', shape, data: new Float32Array(buffer) };
    case 'F16':
      return { dtype: 'float16', shape, data: new Uint16Array(buffer) };
    case 'BF16':
      return { dtype: 'float32', shape, data: bfloatToFloat(new Uint16Array(buffer)) };
    case 'I64':
      return { dtype: 'int64', shape, data: new BigInt64Array(buffer) };
    case 'I32':
      return { dtype: 'int32', shape, data: new Int32Array(buffer) };
    case 'I8':
      return { dtype: 'int8', shape, data: new Int8Array(buffer) };
    case 'U8':
      return { dtype: 'uint8', shape, data: new Uint8Array(buffer) };
    case 'BOOL':
      return { dtype: 'bool', shape, data: new Uint8Array(buffer) };
    default:
      throw new TwinrouteError('unsupported', `${title}: expected F32, F16, BF16, I64, I32, I8, U8 or BOOL, got ${dtype}`);
  }
}

/** The elements of `bytes` as f32 into `target`. @returns whether all are finite */
function widenInto(target: Float32Array, info: TensorInfo, bytes: Uint8Array, title: string): boolean {
  if (info.dtype === 'BF16' && bytes.byteOffset % 4 === 0) return widenBfloats(bytes, target);
  target.set(toFloatTensor({ ...info, shape: [target.length] }, aligned(bytes), title).data);
  return firstNotFinite(target) < 0;
}

/** The commonest type of large models, in one pass of two words at a time: exponent bits that are all set, as in NaN and infinity, carry. */
function widenBfloats(bytes: Uint8Array, target: Float32Array): boolean {
  const pairs = new Int32Array(bytes.buffer, bytes.byteOffset, target.length >> 1);
  const words = new Int32Array(target.buffer, target.byteOffset, target.length);
  let carried = 0;
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i];
    words[2 * i] = pair << 16;
    words[2 * i + 1] = pair & 0xffff0000;
    carried |= (pair & 0x7f807f80) + 0x00800080;
  }
  if (words.length % 2 === 1) {
    const last = bytes[bytes.length - 2] | (bytes[bytes.length - 1] << 8);
    words[words.length - 1] = last << 16;
    carried |= (last & 0x7f80) + 0x80;
  }
  return (carried & 0x80008000) === 0;
}

/** −1 when all are finite. */
function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (values[i] - values[i] !== 0) return i;
  return -1;
}

function toFloatTensor({ dtype, shape }: TensorInfo, buffer: ArrayBuffer, title: string): FloatTensor {
  switch (dtype) {
    case 'F64':
      return floatTensor(shape, Float32Array.from(new Float64Array(buffer)));
    case 'F32':
      return floatTensor(shape, new Float32Array(buffer));
    case 'F16':
      return floatTensor(shape, halfToFloat(new Uint16Array(buffer)));
    case 'BF16':
      return floatTensor(shape, bfloatToFloat(new Uint16Array(buffer)));
    case 'F8_E4M3':
    case 'F8_E5M2':
    case 'F8_E8M0':
    case 'C64':
      throw new TwinrouteError('unsupported', `${title}: expected F64, F32, F16 or BF16, got ${dtype}`);
    default:
      throw new TwinrouteError('shape', `${title}: expected floats, got ${dtype}`);
  }
}
