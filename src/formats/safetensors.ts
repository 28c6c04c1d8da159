// Reads safetensors files tensor by tensor: opening reads the header, a read reads the bytes of one tensor.

import { TwinrouteError } from '../core/errors.ts';
import { bfloatToFloat, halfToFloat } from '../core/half.ts';
import { floatTensor, type FloatTensor, type Tensor } from '../core/tensor.ts';
import { readSafetensorsHeader, type TensorInfo } from './safetensors-header.ts';
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
   * The stored bytes of a tensor, whatever its type.
   * @throws {TwinrouteError} `not_found`
   */
  readBytes(name: string): Promise<Uint8Array>;
}

/**
 * Opens a file; data is read when it is asked for, into fresh buffers. Assumes a little-endian machine, as Node and workerd only run on.
 * @throws {TwinrouteError} as `readSafetensorsHeader`
 */
export async function openSafetensors(source: ByteSource): Promise<Safetensors> {
  const { tensors, metadata } = await readSafetensorsHeader(source);

  async function bytesOf(name: string): Promise<{ info: TensorInfo; buffer: ArrayBuffer; title: string }> {
    const info = tensors.get(name);
    if (info === undefined)
      throw new TwinrouteError('not_found', `${source.name}: expected a tensor ${JSON.stringify(name)}, got none of that name`);
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
